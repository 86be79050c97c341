/** How we look from outside: STUN servers are asked from one socket (RFC 8489), and their answers compared (RFC 4787 §4.1). */
import { systemClock } from '../../clock.js';
import type { SocketAddress } from '../../network.js';
import { systemRandom } from '../../random.js';
import { systemDatagram } from '../../rtp/socket.js';
import { BindingRequests } from '../../sip/transport/binding-requests.js';
import { isIP } from '../../sip/transport/ip.js';
import { systemResolver } from '../../sip/transport/resolver.js';
import { parseStun } from '../../sip/transport/stun.js';
import { UsageError } from '../command.js';
import { type Finding, note, ok, skipped, wrong } from './finding.js';

const STUN_PORT = 3478;
const PATIENCE_MS = 3000;

export async function natByStun(servers: readonly string[], host = '0.0.0.0'): Promise<Finding[]> {
  if (servers.length === 0) return [skipped('NAT', '--stun host asks a STUN server how we look from outside')];
  const socket = await systemDatagram({ host, port: 0 });
  const requests = new BindingRequests(systemClock, systemRandom);
  socket.onMessage = (bytes, address, port) => {
    const message = parseStun(bytes);
    if (message !== undefined) requests.onMessage(message, { address, port });
  };
  const findings: Finding[] = [];
  const seen: SocketAddress[] = [];
  try {
    for (const server of servers) {
      const at = await addressOf(server);
      if (at === undefined) {
        findings.push(wrong(`the STUN server ${server} is not in the DNS`, 'check its name'));
        continue;
      }
      const mapped = await requests.ask(at, (bytes) => socket.send(bytes, 0, bytes.length, at.port, at.address), PATIENCE_MS);
      if (mapped === undefined)
        findings.push(wrong(`the STUN server ${server} does not answer`, 'outgoing UDP may be blocked: let it out, and answers back in'));
      else seen.push(mapped);
    }
    return [...findings, ...judge(seen, socket.local)];
  } finally {
    requests.close();
    socket.close();
  }
}

function judge(seen: readonly SocketAddress[], local: SocketAddress): Finding[] {
  const [first, second] = seen;
  if (first === undefined) return [];
  const shown = `${first.address}:${first.port}`;
  if (second !== undefined && (second.address !== first.address || second.port !== first.port))
    return [
      wrong(
        `behind NAT that changes with whom we talk to: ${shown}, then ${second.address}:${second.port}`,
        'a public address cannot be told beforehand: register with an exchange that answers to where packets come from (rport, comedia), or open ports on the router',
      ),
    ];
  if (local.address === first.address) return [ok(`seen from outside as ${shown}: no NAT`)];
  return [
    local.port === first.port
      ? note(
          `seen from outside as ${shown}; the port is kept`,
          'no NAT, or one that is kind: publicAddress "auto" with this server is enough',
        )
      : note(
          `behind NAT: seen from outside as ${shown}, here it is port ${local.port}`,
          'publicAddress "auto" with this server; and an exchange that sends audio to where ours comes from',
        ),
  ];
}

async function addressOf(server: string): Promise<SocketAddress | undefined> {
  const [, bracketed, name, port] = /^(?:\[([0-9a-f:]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(server) ?? [];
  const host = bracketed ?? name;
  if (host === undefined) throw new UsageError('--stun takes host or host:port.');
  const number = port === undefined ? STUN_PORT : Number(port);
  if (isIP(host) !== 0) return { address: host, port: number };
  const [record] = await systemResolver.a(host).catch(() => []);
  return record === undefined ? undefined : { address: typeof record === 'string' ? record : record.address, port: number };
}
