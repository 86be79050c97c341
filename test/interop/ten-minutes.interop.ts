/** On demand (`npm run test:interop -- --long`): calls of ten minutes that say a tone every ten seconds and hear each come back. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { WebSocketServer } from 'ws';
import { soundChannel } from '../../src/codec/sound.js';
import { readWav } from '../../src/codec/wav.js';
import { type Call, TwilioStreams } from '../../src/index.js';
import { Heard } from '../../src/testing/heard.js';
import { tellFigures } from './figures.js';
import { as, dial, endOf, HERE, peers, say, test, toneIn } from './line.js';
import { sleep } from './peers/process.js';

const peer = peers.asterisk!;
const isLong = process.env.SIPBOT_INTEROP_LONG === 'yes';
const BURSTS = 60;
const EVERY_MS = 10_000;

/** A tone every ten seconds into whatever echoes at the other end, and what came back of each. */
async function tenMinutes(
  call: Call,
  task: Parameters<typeof tellFigures>[0],
  more: () => Readonly<Record<string, number>> = () => ({}),
): Promise<void> {
  const recording = call.record(join(peers.work, `ten-minutes-${call.id}.wav`), { stereo: true });
  const began = performance.now();
  for (let i = 0; i < BURSTS; i++) {
    say(call, 1000, 1000);
    await sleep(began + (i + 1) * EVERY_MS - performance.now());
  }
  expect(call.state).toBe('answered');
  const stats = call.stats()!;
  const { path } = await recording.stop();
  const ended = endOf(call);
  await call.hangup();
  expect(await ended).toMatchObject({ reason: 'hangup', by: 'local' });

  const bursts = burstsOf(path);
  const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  const whole = bursts.filter(({ gapShare, levelDb }) => gapShare < 0.02 && Math.abs(levelDb) < 1.5).length;
  const trips = bursts.map(({ roundTripMs }) => roundTripMs);
  const [atFirst, atLast] = [mean(trips.slice(0, BURSTS / 10)), mean(trips.slice(-BURSTS / 10))];
  const lost = stats.receivedLost / stats.receivedExpected;
  tellFigures(task, {
    tones: bursts.length,
    'of them whole': whole,
    'round trip ms': `${Math.min(...trips)} to ${Math.max(...trips)}`,
    'in the first minute': atFirst,
    'in the last': atLast,
    'packets sent': stats.sentPackets,
    'left out by a machine too busy': stats.sentSkipped,
    received: stats.receivedPackets,
    'lost %': 100 * lost,
    late: stats.receivedLate,
    ...more(),
  });
  expect(bursts).toHaveLength(BURSTS);
  for (const { hz } of bursts) expect(Math.abs(hz - 1000)).toBeLessThanOrEqual(10);
  // In ten minutes a busy machine stands still now and then, and what it left out is not there to be heard.
  expect(whole / BURSTS).toBeGreaterThanOrEqual(0.8);
  expect(lost).toBeLessThan(0.001);
  // What delay a call gathers, it must let go of.
  expect(atLast - atFirst).toBeLessThan(60);
}

describe('Asterisk 22', { skip: peers.asterisk === undefined || !isLong }, () => {
  test('a call of ten minutes: every tone comes back, as late at its end as at its beginning', { timeout: 700_000, retry: 0 }, async ({
    bot,
    task,
  }) => {
    const us = await bot(as(peer, '6047'));
    await tenMinutes(await dial(us, peer, '600'), task);
  });
});

describe('Voice platforms of our own', { skip: !isLong }, () => {
  test('a call of ten minutes through a Twilio-style application that says back what it hears', { timeout: 700_000, retry: 0 }, async ({
    bot,
    task,
  }) => {
    const application = new WebSocketServer({ host: HERE, port: 0 });
    application.on('connection', (socket) => {
      socket.on('error', () => {});
      socket.on('message', (data) => {
        const { event, streamSid, media } = JSON.parse(String(data)) as { event: string; streamSid: string; media: { payload: string } };
        if (event === 'media') socket.send(JSON.stringify({ event, streamSid, media: { payload: media.payload } }));
      });
    });
    await new Promise((resolve) => application.once('listening', resolve));
    const bridge = new TwilioStreams({ url: `ws://${HERE}:${(application.address() as AddressInfo).port}/`, live: true });
    const there = await bot({ listen: [{ transport: 'udp', host: HERE, port: 0 }], allow: [HERE], codecs: ['pcmu'], bot: () => bridge });
    const us = await bot({ listen: [{ transport: 'udp', host: HERE, port: 0 }], codecs: ['pcmu'] });
    const call = await us.dial(`sip:app@${HERE}:${there.addresses[0]!.port}`);
    await tenMinutes(call, task, () => {
      const { up, down, roundTripMs } = bridge.stats()!;
      return { 'ms to the application': up.sentMs, 'ms from it': down.receivedMs, 'longest ping ms': roundTripMs!.max };
    });
    const { up, down, connects } = bridge.stats()!;
    expect([connects, up.lostMs, down.refusedMs]).toEqual([1, 0, 0]);
    expect(up.sentMs).toBeGreaterThan(BURSTS * EVERY_MS - 1000);
    application.close();
  });
});

/** Each tone that was said, and what came back of it: both out of one recording, so on one clock. */
function burstsOf(path: string) {
  const sound = readWav(readFileSync(path));
  const [heard, said] = [0, 1].map((channel) => new Heard(soundChannel(sound, channel), sound.sampleRate)) as [Heard, Heard];
  const bursts: (ReturnType<typeof toneIn> & { readonly roundTripMs: number })[] = [];
  for (let at = 0; at < said.durationMs; ) {
    const onset = said.part(at, 1000).onsetMs;
    if (onset === undefined) {
      at += 1000;
      continue;
    }
    const back = heard.part(at + onset, 3000);
    bursts.push({ ...toneIn(back, 1000), roundTripMs: back.onsetMs ?? Number.POSITIVE_INFINITY });
    at += onset + EVERY_MS / 2;
  }
  return bursts;
}
