/** On demand (`npm run test:interop -- --long`): a call of ten minutes that says a tone every ten seconds and hears each come back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { soundChannel } from '../../src/codec/sound.js';
import { readWav } from '../../src/codec/wav.js';
import { Heard } from '../../src/testing/heard.js';
import { tellFigures } from './figures.js';
import { as, dial, endOf, peers, say, test, toneIn } from './line.js';
import { sleep } from './peers/process.js';

const peer = peers.asterisk!;
const isLong = process.env.SIPBOT_INTEROP_LONG === 'yes';
const BURSTS = 60;
const EVERY_MS = 10_000;

describe('Asterisk 22', { skip: peers.asterisk === undefined || !isLong }, () => {
  test('a call of ten minutes: every tone comes back whole, as late at its end as at its beginning', {
    timeout: 700_000,
  }, async ({ bot, task }) => {
    const us = await bot(as(peer, '6047'));
    const call = await dial(us, peer, '600');
    const recording = call.record(join(peers.work, 'ten-minutes.wav'), { stereo: true });
    const began = performance.now();
    for (let i = 0; i < BURSTS; i++) {
      say(call, 1000, 1000);
      await sleep(began + (i + 1) * EVERY_MS - performance.now());
    }
    expect(call.state).toBe('answered');
    const stats = call.stats()!;
    const { path, durationMs } = await recording.stop();
    const ended = endOf(call);
    await call.hangup();
    expect(await ended).toMatchObject({ reason: 'hangup', by: 'local' });

    // Both ends out of one recording, so on one clock.
    const sound = readWav(readFileSync(path));
    const [heard, said] = [0, 1].map((channel) => new Heard(soundChannel(sound, channel), sound.sampleRate)) as [Heard, Heard];
    const bursts = Array.from({ length: BURSTS }, (_, i) => {
      const from = Math.max(0, i * EVERY_MS - 500);
      const tone = toneIn(heard.part(from, 3000), 1000);
      return { ...tone, roundTripMs: heard.part(from, 3000).onsetMs! - said.part(from, 3000).onsetMs! };
    });
    const [gaps, trips] = [bursts.map(({ gapShare }) => gapShare), bursts.map(({ roundTripMs }) => roundTripMs)];
    const of = (list: number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
    const lost = stats.receivedLost / stats.receivedExpected;
    tellFigures(task, {
      'seconds recorded': durationMs / 1000,
      'packets sent': stats.sentPackets,
      received: stats.receivedPackets,
      'lost %': 100 * lost,
      late: stats.receivedLate,
      'concealed ms': stats.concealedMs,
      'longest gap ms': stats.longestGapMs,
      'round trip ms min': Math.min(...trips),
      mean: of(trips),
      max: Math.max(...trips),
      'first minute': of(trips.slice(0, 6)),
      'last minute': of(trips.slice(-6)),
      'drift ppm': stats.driftPpm,
      'gaps in the tone %': 100 * of(gaps),
      'worst burst %': 100 * Math.max(...gaps),
      'level off dB at most': Math.max(...bursts.map(({ levelDb }) => Math.abs(levelDb))),
    });
    for (const { hz, levelDb } of bursts) {
      expect(Math.abs(hz - 1000)).toBeLessThanOrEqual(10);
      expect(Math.abs(levelDb)).toBeLessThan(1.5);
    }
    expect(of(gaps)).toBeLessThan(0.01);
    expect(lost).toBeLessThan(0.001);
    expect(durationMs).toBeGreaterThan(0.995 * BURSTS * EVERY_MS);
    // No drift: what a call gathers in ten minutes, it must let go of.
    expect(Math.abs(of(trips.slice(-6)) - of(trips.slice(0, 6)))).toBeLessThan(40);
  });
});
