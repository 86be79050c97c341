import { expect, test } from 'vitest';
import { parseUri } from '../../../src/sip/message/uri.js';
import type { Flow } from '../../../src/sip/transport/flow.js';
import { pinnedFlow } from '../../../src/sip/ua/pinned-flow.js';

const flow = (transport: Flow['transport'], remote: string, local = '10.0.0.1:5060', more: Partial<Flow> = {}): Flow => {
  const [address = '', port = ''] = remote.split(/:(?=\d+$)/);
  const [own = '', ownPort = ''] = local.split(/:(?=\d+$)/);
  return {
    id: 'f',
    transport,
    reliable: transport !== 'udp',
    secure: transport === 'tls' || transport === 'wss',
    direction: 'in',
    remote: { address, port: Number(port) },
    local: { address: own, port: Number(ownPort) },
    isOpen: true,
    send: () => {},
    close: () => {},
    vouch: () => {},
    ...more,
  };
};

// why, flow, next hop, whether the flow is kept
const rows: readonly (readonly [string, Flow, string, boolean])[] = [
  ['the very address', flow('udp', '203.0.113.5:5060'), 'sip:203.0.113.5', true],
  ['the very address and port', flow('udp', '203.0.113.5:5080'), 'sip:bob@203.0.113.5:5080', true],
  ['UDP from another port: the Contact counts', flow('udp', '203.0.113.5:1024'), 'sip:bob@203.0.113.5:5080', false],
  ['UDP, but TCP is asked for', flow('udp', '203.0.113.5:5060'), 'sip:bob@203.0.113.5;transport=tcp', false],
  ['another public address (a proxy that did not record its route)', flow('udp', '203.0.113.5:5060'), 'sip:bob@198.51.100.9', false],
  ['behind a NAT: private Contact, public source', flow('udp', '203.0.113.5:40000'), 'sip:bob@192.168.1.20:5060', true],
  ['IPv6 unique local Contact, public source', flow('udp', '2001:db8::5:40000', '2001:db8::1:5060'), 'sip:bob@[fd00::20]', true],
  ['two hosts of our own network', flow('udp', '10.0.0.9:5060'), 'sip:bob@10.0.0.20', false],
  ['a private network that is not ours, reached through a host of ours', flow('udp', '10.0.0.9:5060'), 'sip:bob@192.168.7.7', true],
  ['a name, over UDP: resolved', flow('udp', '203.0.113.5:5060'), 'sip:bob@example.org', false],
  ['a name, over the connection that works', flow('tls', '203.0.113.5:5061'), 'sip:proxy.example.org;transport=tls;lr', true],
  ['a name that wants another transport', flow('tcp', '203.0.113.5:5060'), 'sip:proxy.example.org;transport=udp', false],
  ['tls is tcp in disguise (RFC 3261 §26.2.2)', flow('tls', '203.0.113.5:5061'), 'sip:203.0.113.5;transport=tcp', true],
  ['TCP from an ephemeral port', flow('tcp', '203.0.113.5:49152'), 'sip:bob@203.0.113.5:5060;transport=tcp', true],
  ['TCP, but UDP is asked for', flow('tcp', '203.0.113.5:49152'), 'sip:bob@203.0.113.5:5060;transport=udp', false],
  ['a browser', flow('wss', '203.0.113.5:49152'), 'sip:x@df7jal23ls0d.invalid;transport=ws', true],
  ['RFC 2606 .invalid over anything', flow('tcp', '203.0.113.5:49152'), 'sip:x@anonymous.INVALID', true],
  ['sips over an open wire', flow('tcp', '203.0.113.5:49152'), 'sips:bob@203.0.113.5', false],
  ['closed', flow('wss', '203.0.113.5:49152', undefined, { isOpen: false }), 'sip:x@df7.invalid', false],
  ['link-local, RFC 6598, loopback are private too', flow('udp', '203.0.113.5:5060'), 'sip:bob@[fe80::1]', true],
  ['RFC 6598', flow('udp', '203.0.113.5:5060'), 'sip:bob@100.64.3.3', true],
  ['not RFC 1918: 172.32', flow('udp', '203.0.113.5:5060'), 'sip:bob@172.32.0.1', false],
  ['RFC 1918: 172.31', flow('udp', '203.0.113.5:5060'), 'sip:bob@172.31.0.1', true],
];

test.each(rows)('%s', (_why, made, nextHop, kept) => {
  expect(pinnedFlow(made, parseUri(nextHop)!)).toBe(kept ? made : undefined);
});

test('no flow, nothing to keep', () => {
  expect(pinnedFlow(undefined, parseUri('sip:a@b')!)).toBeUndefined();
});
