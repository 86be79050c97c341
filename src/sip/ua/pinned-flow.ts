/**
 * When a request within a dialog takes the flow the dialog lives on instead of what RFC 3263 makes of its next hop. RFC 3261 §12.2.1.1 always
 * resolves; behind NATs, on WebSockets and on connections opened to us that address cannot be reached, and the flow can (RFC 5626 §5.3, RFC 7118 §5).
 */
import type { Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';

export function pinnedFlow(flow: Flow | undefined, nextHop: Uri): Flow | undefined {
  if (flow === undefined || !flow.isOpen) return undefined;
  // §19.1: what is asked for securely is not sent in the clear.
  if (nextHop.scheme === 'sips' && !flow.secure) return undefined;
  // Nobody can connect to a browser, nor to a name that RFC 2606 reserved (RFC 7118 §5.2.1 puts it into Contact).
  if (flow.transport === 'ws' || flow.transport === 'wss' || nextHop.host.toLowerCase().endsWith('.invalid')) return flow;
  const wanted = nextHop.params.get('transport')?.toLowerCase();
  const isSameTransport = wanted === undefined || wanted === flow.transport || (flow.transport === 'tls' && wanted === 'tcp');
  if (nextHop.host === flow.remote.address) {
    // RFC 5923: the same host over an open connection; its port may be the one it called from.
    if (flow.reliable) return isSameTransport ? flow : undefined;
    return isSameTransport && (nextHop.port ?? 5060) === flow.remote.port ? flow : undefined;
  }
  if (!isNumeric(nextHop.host)) {
    // A name: the connection that the dialog was made on is the one that works (§18.2.2, RFC 5923 §5); datagrams cost nothing to send elsewhere.
    return flow.reliable && isSameTransport ? flow : undefined;
  }
  // A private address written by one who reached us from another one stands behind a NAT, and only the way he came leads back.
  if (isPrivate(nextHop.host))
    return !isPrivate(flow.remote.address) || (flow.direction === 'in' && isElsewhere(nextHop.host, flow)) ? flow : undefined;
  return undefined;
}

/** A private address of another range than ours is not on our network. */
function isElsewhere(host: string, flow: Flow): boolean {
  return rangeOf(host) !== rangeOf(flow.local.address);
}

function isNumeric(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

function isPrivate(host: string): boolean {
  return rangeOf(host) !== 'public';
}

/** RFC 1918, RFC 6598, RFC 3927, loopback, RFC 4193, RFC 4291 link-local. */
function rangeOf(host: string): string {
  if (host.includes(':')) {
    const first = Number.parseInt(host.split(':')[0] || '0', 16);
    if (host === '::1') return '::1';
    if ((first & 0xfe00) === 0xfc00) return 'fc00';
    return (first & 0xffc0) === 0xfe80 ? 'fe80' : 'public';
  }
  const [a = 0, b = 0] = host.split('.', 2).map(Number);
  if (a === 10 || a === 127) return String(a);
  if (a === 172 && b >= 16 && b < 32) return '172.16';
  if (a === 192 && b === 168) return '192.168';
  if (a === 169 && b === 254) return '169.254';
  return a === 100 && b >= 64 && b < 128 ? '100.64' : 'public';
}
