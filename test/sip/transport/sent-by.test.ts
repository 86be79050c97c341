import { describe, expect, test } from 'vitest';
import { SipRequest } from '../../../src/sip/message/message.js';
import { parseVia } from '../../../src/sip/message/via.js';
import { responseTarget, stampReceived } from '../../../src/sip/transport/sent-by.js';

function stamped(via: string, address: string, port: number): string | undefined {
  const request = new SipRequest('OPTIONS', 'sip:a@example.com', [['Via', via]]);
  stampReceived(request, { address, port });
  return request.header('Via');
}

describe('stamping the top Via', () => {
  test.each([
    [
      '§18.2.1: the sent-by is the source: untouched',
      'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1',
      '192.0.2.1',
      'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1',
    ],
    [
      '§18.2.1: a name gets received',
      'SIP/2.0/UDP a.example.com;branch=z9hG4bK1',
      '192.0.2.1',
      'SIP/2.0/UDP a.example.com;branch=z9hG4bK1;received=192.0.2.1',
    ],
    [
      '§18.2.1: another address gets received',
      'SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1',
      '192.0.2.1',
      'SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1;received=192.0.2.1',
    ],
    [
      'RFC 3581 §4: rport is filled in, and received with it though equal',
      'SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK1',
      '192.0.2.1',
      'SIP/2.0/UDP 192.0.2.1;rport=6000;branch=z9hG4bK1;received=192.0.2.1',
    ],
    [
      'a received that came with the request is not believed',
      'SIP/2.0/UDP 10.0.0.1;received=203.0.113.9;branch=z9hG4bK1',
      '192.0.2.1',
      'SIP/2.0/UDP 10.0.0.1;received=192.0.2.1;branch=z9hG4bK1',
    ],
    [
      'an rport that came with the request is not believed',
      'SIP/2.0/UDP 10.0.0.1;rport=9;branch=z9hG4bK1',
      '192.0.2.1',
      'SIP/2.0/UDP 10.0.0.1;rport=6000;branch=z9hG4bK1;received=192.0.2.1',
    ],
    [
      'IPv6 is compared as an address',
      'SIP/2.0/UDP [2001:DB8::1];branch=z9hG4bK1',
      '2001:db8:0::1',
      'SIP/2.0/UDP [2001:DB8::1];branch=z9hG4bK1',
    ],
  ])('%s', (_rule, via, address, expected) => {
    expect(stamped(via, address, 6000)).toBe(expected);
  });

  test('only the top Via of a list is touched', () => {
    const request = new SipRequest('OPTIONS', 'sip:a@example.com', [
      ['Via', 'SIP/2.0/UDP a.example;branch=z9hG4bK1, SIP/2.0/UDP b.example;branch=z9hG4bK2'],
    ]);
    stampReceived(request, { address: '192.0.2.1', port: 5060 });
    expect(request.headers('Via')).toEqual([
      'SIP/2.0/UDP a.example;branch=z9hG4bK1;received=192.0.2.1',
      'SIP/2.0/UDP b.example;branch=z9hG4bK2',
    ]);
  });

  test('a request without a readable Via is left alone', () => {
    const request = new SipRequest('OPTIONS', 'sip:a@example.com', [['Via', 'nonsense']]);
    stampReceived(request, { address: '192.0.2.1', port: 5060 });
    expect(request.header('Via')).toBe('nonsense');
  });
});

describe('where a response goes', () => {
  test.each([
    ['RFC 3581 §4: received and rport', 'udp', 'SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.1;rport=6000', '192.0.2.1:6000'],
    ['§18.2.2: without rport, to the port of the sent-by', 'udp', 'SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.1', '192.0.2.1:5070'],
    ['§18.2.2: without a port, to 5060', 'udp', 'SIP/2.0/UDP 192.0.2.1', '192.0.2.1:5060'],
    [
      '§18.2.2: a connection that is gone is opened anew to the sent-by port, not to rport',
      'tcp',
      'SIP/2.0/TCP 10.0.0.1:5070;received=192.0.2.1;rport=6000',
      '192.0.2.1:5070',
    ],
    ['§18.2.2: TLS has a port of its own', 'tls', 'SIP/2.0/TLS 192.0.2.1', '192.0.2.1:5061'],
    ['§18.2.2: a multicast maddr is followed', 'udp', 'SIP/2.0/UDP 192.0.2.1;maddr=239.1.2.3;rport=6000', '239.1.2.3:5060'],
    ['a unicast maddr is not', 'udp', 'SIP/2.0/UDP 192.0.2.1;maddr=203.0.113.9', '192.0.2.1:5060'],
  ] as const)('%s', (_rule, transport, via, expected) => {
    const target = responseTarget(parseVia(via)!, transport);
    expect(`${target?.address}:${target?.port}`).toBe(expected);
  });

  test('a name without received leads nowhere', () => {
    expect(responseTarget(parseVia('SIP/2.0/UDP a.example.com')!, 'udp')).toBeUndefined();
  });
});
