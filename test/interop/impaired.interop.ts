/** On demand, by SIPBOT_INTEROP_LONG=yes: calls with Asterisk over a bad path (5 % lost, 50 ms of delay and 20 ms of jitter, each way). */
import { describe, expect } from 'vitest';
import { Ear, endOf, expectTone, peers, say, test } from './line.js';
import { openImpairedPath } from './peers/impaired-path.js';
import { at, sleep } from './peers/process.js';

const peer = peers.asterisk!;
const isLong = process.env.SIPBOT_INTEROP_LONG === 'yes';

describe.concurrent('Asterisk 22', { skip: peers.asterisk === undefined || !isLong }, () => {
  // Of five seconds, so much is the pure tone; the rest is concealed, and Opus makes up sound of its own.
  for (const [codec, user, seed, pureMs] of [
    ['pcmu', '6045', 1, 4000],
    ['opus', '6046', 2, 3000],
  ] as const) {
    test(`5 % loss, 50 ms delay, 20 ms jitter each way, ${codec}: set up, and heard without gaps`, async ({ bot }) => {
      const path = await openImpairedPath({ host: at(17), to: peer, delayMs: 50, jitterMs: 20, loss: 0.05, seed });
      try {
        const us = await bot({ uri: `sip:${user}@${peer.host}`, password: `pw${user}`, register: false, codecs: [codec] });
        const call = await us.dial(`sip:600@${at(17)}:${path.port}`, { account: user });
        const ear = new Ear(call);
        say(call, 1000, 5000);
        await ear.hears(1000, pureMs);
        await call.audio.drained();
        await sleep(500);
        // There and back, nearly one packet in ten is gone: what is missing is concealed, and nobody hears a hole.
        expectTone(ear.heard, 1000, 2);
        expect(ear.concealed).toBeGreaterThan(0.01);
        expect(path.lost / (path.lost + path.passed)).toBeGreaterThan(0.02);
        const stats = call.stats()!;
        expect(stats.receivedLost / stats.receivedExpected).toBeGreaterThan(0.03);
        const ended = endOf(call);
        await call.hangup();
        expect(await ended).toMatchObject({ reason: 'hangup', by: 'local' });
      } finally {
        path.close();
      }
    });
  }
});
