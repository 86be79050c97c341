/** Whatever arrives, an agent neither throws nor keeps anything for ever. SIPBOT_FUZZ_RUNS sets how many messages (a campaign: 1000000). */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { NOTHING_LEFT, Town } from './two-agents.js';

const B = '10.0.0.2';
const RUNS = Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 4000);

const METHODS = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY', 'MESSAGE', 'REGISTER', 'FROB'];
const HEADERS = [
  'Require: 100rel',
  'Require: foo, bar',
  'Supported: 100rel, timer, replaces',
  'Session-Expires: 90;refresher=uac',
  'Session-Expires: 1',
  'Min-SE: 90',
  'RAck: 1 1 INVITE',
  'Replaces: c1;to-tag=a;from-tag=b',
  'Refer-To: <sip:c@c>',
  'Event: presence',
  'Subscription-State: active;expires=10',
  'Content-Type: application/sdp',
  'Content-Encoding: gzip',
  'Content-Disposition: render;handling=optional',
  'Authorization: Digest username="x", realm="y", nonce="z", uri="sip:x", response="0"',
  'Route: <sip:p;lr>',
  'Record-Route: <sip:p;lr>',
  'Expires: 99999999999999999999',
  'Max-Forwards: 0',
  'Timestamp: 1 2',
  'Contact: *',
  'Contact: <sip:x@10.0.0.9>',
  'Via: SIP/2.0/TCP 1.2.3.4;branch=z9hG4bKx',
];

describe('bytes from strangers', () => {
  test(`${RUNS} messages, most of them damaged: no handler fails, and in the end nothing is left`, async () => {
    const town = new Town({ delayMs: 1 });
    const bob = await town.settle('bob', B);
    bob.on('invite', (call) => {
      call.handler = {};
      void call.progress(180).catch(() => {});
      if (call.request.callId!.length % 2) call.accept({}).catch(() => {});
      else call.reject(486);
    });
    const errors: unknown[] = [];
    const onRejection = (error: unknown) => void errors.push(error);
    process.on('unhandledRejection', onRejection);
    const socket = await town.network.datagram({ host: '10.0.0.9', port: 5060 });
    const random = new SeededRandom(42);
    const pick = <T>(list: readonly T[]): T => list[random.uint32() % list.length]!;
    let toTag = '';
    socket.onMessage = (bytes) => {
      // Some of what follows is within dialogs that exist.
      toTag = /\r\nTo:[^\r]*;tag=([^;\r]+)/.exec(new TextDecoder('latin1').decode(bytes))?.[1] ?? toTag;
    };

    const message = (): string => {
      const method = pick(METHODS);
      const id = random.uint32() % 40;
      const start = random.uint32() % 8 === 0 ? `SIP/2.0 ${100 + (random.uint32() % 600)} x` : `${method} sip:bob@${B} SIP/2.0`;
      const lines = [
        start,
        `Via: SIP/2.0/UDP 10.0.0.9;branch=${pick(['z9hG4bK', '', 'z9hG4bK'])}${random.uint32() % 60}${pick([';rport', ''])}`,
        `From: <sip:x@10.0.0.9>;tag=x${id}`,
        `To: <sip:bob@${B}>${pick(['', '', `;tag=${toTag}`, ';tag=gone'])}`,
        `Call-ID: c${id}`,
        `CSeq: ${1 + (random.uint32() % 3)} ${pick([method, method, method, pick(METHODS)])}`,
        ...Array.from({ length: random.uint32() % 4 }, () => pick(HEADERS)),
      ];
      if (random.uint32() % 4 === 0) lines.splice(random.uint32() % lines.length, 1);
      if (random.uint32() % 8 === 0) lines.push(pick(lines));
      const body = pick(['', '', 'v=0\r\n']);
      return `${lines.join('\r\n')}\r\nContent-Length: ${pick([body.length, body.length, 0, 999])}\r\n\r\n${body}`;
    };
    const damage = (text: string): Uint8Array => {
      const bytes = new TextEncoder().encode(text);
      for (let i = random.uint32() % 4; i > 0; i--) bytes[random.uint32() % bytes.length] = random.uint32() & 0xff;
      return random.uint32() % 6 === 0 ? bytes.subarray(0, random.uint32() % bytes.length) : bytes;
    };

    for (let i = 0; i < RUNS; i++) {
      const bytes = damage(message());
      socket.send(bytes, 0, bytes.length, 5060, B);
      if (i % 20 === 0) await town.clock.run(random.uint32() % 400);
    }
    await town.clock.run(200_000);
    const { transport, transactions } = bob.stats();
    expect([transport.handlerErrors, errors]).toEqual([0, []]);
    // The rest are too short to be messages, or look like STUN.
    expect(transport.received).toBeGreaterThan(0.98 * RUNS);
    expect(transactions.servers).toBe(0);
    process.off('unhandledRejection', onRejection);
    socket.close();
    expect(await town.close()).toEqual(NOTHING_LEFT);
  }, 600_000);
});
