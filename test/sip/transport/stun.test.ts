import { describe, expect, test } from 'vitest';
import { BindingRequests } from '../../../src/sip/transport/binding-requests.js';
import { isStun, parseStun, type StunMessage, writeBindingRequest, writeBindingResponse } from '../../../src/sip/transport/stun.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const id = hex('b7e7a701bc34d686fa87dfae');

describe('STUN messages', () => {
  test('RFC 5769 §2.1: the sample request is read, its needless attributes passed over', () => {
    const sample = hex(`00010058 2112a442 b7e7a701bc34d686fa87dfae
      80220010 5354554e207465737420636c69656e74
      00240004 6e0001ff
      80290008 932ff9b151263b36
      00060009 6576746a3a683676592020 20
      00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
      80280004 e57a3bcf`);
    expect(parseStun(sample)).toEqual({ type: 'request', transactionId: id, unknown: [] });
  });

  test('RFC 5769 §2.2: the sample IPv4 response says 192.0.2.1:32853', () => {
    const sample = hex(`0101003c 2112a442 b7e7a701bc34d686fa87dfae
      8022000b 7465737420766563746f7220
      00200008 0001a147e112a643
      00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
      80280004 c07d4c96`);
    expect(parseStun(sample)).toEqual({ type: 'success', transactionId: id, mapped: { address: '192.0.2.1', port: 32853 } });
  });

  test('RFC 5769 §2.3: the sample IPv6 response says 2001:db8:1234:5678:11:2233:4455:6677, port 32853', () => {
    const sample = hex(`01010048 2112a442 b7e7a701bc34d686fa87dfae
      8022000b 7465737420766563746f7220
      00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
      00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
      80280004 c8fb0b4c`);
    expect(parseStun(sample)).toEqual({
      type: 'success',
      transactionId: id,
      mapped: { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32853 },
    });
  });

  test.each(['192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1', '::1'])('RFC 8489 §14.2: what is written for %s is read as it', (address) => {
    const request = parseStun(writeBindingRequest(id)) as StunMessage & { type: 'request' };
    const answer = parseStun(writeBindingResponse(request, { address, port: 5060 }));
    expect(answer).toEqual({ type: 'success', transactionId: id, mapped: { address: address.replace('::ffff:', ''), port: 5060 } });
  });

  test('RFC 8489 §6.3.1: an attribute that must be understood and is not: 420', () => {
    const request = parseStun(hex(`00010008 2112a442 b7e7a701bc34d686fa87dfae 00300004 00000001`)) as StunMessage & { type: 'request' };
    expect(request.unknown).toEqual([0x30]);
    expect(parseStun(writeBindingResponse(request, { address: '192.0.2.1', port: 1 }))).toMatchObject({ type: 'error', code: 420 });
  });

  test.each([
    ['too short', '000100002112a442'],
    ['another cookie', '00010000 2112a443 b7e7a701bc34d686fa87dfae'],
    ['a length that lies', '00010004 2112a442 b7e7a701bc34d686fa87dfae'],
    ['an attribute past the end', '00010004 2112a442 b7e7a701bc34d686fa87dfae 00200008'],
    ['another method', '00030000 2112a442 b7e7a701bc34d686fa87dfae'],
  ])('%s is not taken', (_why, text) => {
    expect(parseStun(hex(text))).toBeUndefined();
  });

  test('any bytes: no throw', () => {
    const random = new SeededRandom(3);
    for (let i = 0; i < 5000; i++) {
      const bytes = random.bytes(random.uint32() % 80);
      bytes.set(hex('0101').subarray(0, Math.min(2, bytes.length)));
      if (bytes.length >= 8) bytes.set(hex('2112a442'), 4);
      if (bytes.length >= 20) new DataView(bytes.buffer).setUint16(2, bytes.length - 20);
      expect(() => parseStun(bytes)).not.toThrow();
    }
  });

  test('a SIP message is not STUN', () => {
    expect(isStun(new TextEncoder().encode('OPTIONS sip:a@example.com SIP/2.0\r\n'))).toBe(false);
  });
});

describe('Binding requests', () => {
  const remote = { address: '192.0.2.9', port: 3478 };

  function asking(): { clock: ManualClock; requests: BindingRequests; log: string[]; last: () => Uint8Array } {
    const clock = new ManualClock();
    const requests = new BindingRequests(clock, new SeededRandom(1));
    const log: string[] = [];
    let last = new Uint8Array();
    const send = (bytes: Uint8Array): void => {
      last = Uint8Array.from(bytes);
      log.push(`${clock.now()} send`);
    };
    void requests
      .ask(remote, send)
      .then((mapped) => log.push(`${clock.now()} ${mapped === undefined ? 'nothing' : `${mapped.address}:${mapped.port}`}`));
    return { clock, requests, log, last: () => last };
  }

  test('RFC 8489 §6.2.1: unanswered: seven requests, given up after 39.5 s', async () => {
    const { clock, log } = asking();
    await clock.run(60_000);
    expect(log).toEqual([...[0, 500, 1500, 3500, 7500, 15500, 31500].map((t) => `${t} send`), '39500 nothing']);
    expect(clock.pending).toBe(0);
  });

  test('answered: no more is sent', async () => {
    const { clock, log, requests, last } = asking();
    await clock.run(600);
    const request = parseStun(last()) as StunMessage & { type: 'request' };
    const answer = parseStun(writeBindingResponse(request, { address: '203.0.113.5', port: 40000 }))!;
    requests.onMessage(answer, { address: '192.0.2.66', port: 3478 });
    await clock.run(0);
    expect(log).toEqual(['0 send', '500 send']);
    requests.onMessage(answer, remote);
    await clock.run(60_000);
    expect(log).toEqual(['0 send', '500 send', '600 203.0.113.5:40000']);
    expect(clock.pending).toBe(0);
  });
});
