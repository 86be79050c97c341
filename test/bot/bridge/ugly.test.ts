/**
 * The ugly parts, asked of every bridge: odd chunks, faster than real time, enormous messages, clear and marks, a platform that is lost, that does not
 * read, that talks nonsense, that fails. What goes through a road of 8 kHz is compared byte by byte at the caller's ear.
 */
import { describe, expect, test } from 'vitest';
import type { BridgeOptions } from '../../../src/bot/bridge/bridge-line.js';
import type { TwilioStreams } from '../../../src/bot/bridge/twilio-streams.js';
import type { Call } from '../../../src/bot/call.js';
import { decoder } from '../../../src/codec/registry.js';
import { Ear, tone, type World } from '../support/world.js';
import type { FakeConnection } from '../wire/fake-service.js';
import { type BridgedCall, bridged, codes, noise, toMulaw } from './bridged-call.js';
import { type Bridge, type Platform, platforms, written } from './platforms.js';

type Talking = BridgedCall<Bridge> & { readonly connection: FakeConnection };

/** Up, and both jitter buffers as small as they get. */
async function talking(platform: Platform, options: BridgeOptions = {}): Promise<Talking> {
  const through = await bridged((service) => platform.make(service, options));
  const { world, caller, call, service } = through;
  call.audio.write(noise(2000, call.sampleRate));
  caller.audio.write(noise(2000, 8000));
  await world.run(4000);
  return { ...through, connection: service.last };
}

/** µ-law codes as the samples that they stand for. */
function samplesOf(mulaw: Uint8Array): Int16Array {
  const samples = new Int16Array(mulaw.length);
  decoder('pcmu').decode(mulaw, 0, mulaw.length, samples, 0);
  return samples;
}

/** As the platform says it, and as the caller's ear must have it: A-law in between changes some codes. */
function sentence(platform: Platform, ms: number, seed: number): { readonly said: Buffer; readonly atEar: Buffer } {
  if (platform.rate !== 8000) {
    const said = written(platform, tone(700, ms, platform.rate));
    return { said, atEar: Buffer.alloc(0) };
  }
  const said = written(platform, samplesOf(codes(ms * 8, seed)));
  if (platform.encoding !== 'pcma') return { said, atEar: codes(ms * 8, seed) };
  const samples = new Int16Array(said.length);
  decoder('pcma').decode(said, 0, said.length, samples, 0);
  return { said, atEar: toMulaw(samples) };
}

const atEar = (ear: Ear): Buffer => toMulaw(ear.heard.samples);
const ODD = [1, 333, 160, 7, 2049, 2];

function speakInPieces(platform: Platform, connection: FakeConnection, sound: Buffer): void {
  for (let at = 0, i = 0; at < sound.length; i++) {
    const size = ODD[i % ODD.length]!;
    platform.speak(connection, sound.subarray(at, at + size));
    at += size;
  }
}

/** What its application sees of the caller's sound from now on. */
function listening(call: Call): Int16Array[] {
  const frames: Int16Array[] = [];
  call.audio.on('frame', ({ samples }) => void frames.push(samples.slice()));
  return frames;
}

function joined(frames: readonly Int16Array[]): Int16Array {
  return Int16Array.from(frames.flatMap((frame) => [...frame]));
}

/** A sentence, and the caller hears it as it was said. */
async function expectHeard(platform: Platform, connection: FakeConnection, world: World, caller: Call, seed: number): Promise<void> {
  const ear = new Ear(caller);
  const { said, atEar: wanted } = sentence(platform, 400, seed);
  platform.speak(connection, said);
  await world.run(700);
  ear.close();
  if (platform.rate === 8000) expect(atEar(ear).indexOf(wanted)).toBeGreaterThanOrEqual(0);
  else {
    const heard = ear.heard.part(ear.heard.onsetMs!, 400);
    expect(heard.part(30, 340).shareOf(700)).toBeGreaterThan(0.97);
    expect(heard.gaps(5)).toEqual([]);
  }
}

const all = Object.entries(platforms);
const exact = all.filter(([, { rate }]) => rate === 8000);
const clearing = all.filter(([, { clear }]) => clear !== undefined);

describe('bit by bit', () => {
  test.each(all)('%s: what the caller says', async (_name, platform) => {
    const { world, caller, call, connection } = await talking(platform);
    const frames = listening(call);
    const said = codes(8000, 5);
    caller.audio.write(samplesOf(said));
    await world.run(1500);
    // What the application of such a call would see is what the platform gets; at 8 kHz that is what the caller said.
    const got = platform.heard(connection);
    expect(got.indexOf(written(platform, joined(frames)))).toBeGreaterThan(0);
    if (platform.rate === 8000) expect(got.indexOf(written(platform, samplesOf(said)))).toBeGreaterThan(0);
  });

  test.each(exact)('%s: what the platform says, in odd chunks', async (_name, platform) => {
    const { world, connection, ear } = await talking(platform);
    const { said, atEar: wanted } = sentence(platform, 1000, 7);
    speakInPieces(platform, connection, said);
    await world.run(1300);
    expect(atEar(ear).indexOf(wanted)).toBeGreaterThan(0);
  });

  test.each(all.filter(([, { rate }]) => rate !== 8000))('%s: in odd chunks as in one piece', async (_name, platform) => {
    const heard: Buffer[] = [];
    for (const isWhole of [true, false]) {
      const { world, connection, ear } = await talking(platform);
      const said = written(platform, noise(1000, platform.rate));
      if (isWhole) platform.speak(connection, said);
      else speakInPieces(platform, connection, said);
      await world.run(1500);
      heard.push(atEar(ear));
    }
    expect(heard[1]!.equals(heard[0]!)).toBe(true);
  });
});

describe('faster than people listen', () => {
  test.each(all)('%s: 45 seconds in one message are heard to the end, what is over the bound is refused', async (_name, platform) => {
    const { world, connection, bridge, ear } = await talking(platform, { maxQueueMs: 50_000 });
    const { said, atEar: wanted } = sentence(platform, 45_000, 11);
    platform.speak(connection, said);
    platform.speak(connection, said);
    const { receivedMs, refusedMs } = bridge.stats()!.down;
    expect(receivedMs).toBeGreaterThanOrEqual(45_000);
    expect(receivedMs).toBeLessThanOrEqual(50_000);
    expect(receivedMs + refusedMs).toBeCloseTo(90_000, -1);
    const from = ear.heard.durationMs;
    await world.run(receivedMs + 500);
    if (platform.rate === 8000) expect(atEar(ear).indexOf(wanted)).toBeGreaterThan(0);
    const heard = ear.heard.part(from, receivedMs + 500);
    expect(heard.part(heard.onsetMs!, receivedMs - 5).gaps(5)).toEqual([]);
    expect(heard.part(heard.onsetMs! + receivedMs + 40, 200).isSilent).toBe(true);
    expect(bridge.stats()!.down.queuedMs).toBe(0);
  });
});

describe('clear and marks', () => {
  test.each(clearing)('%s: clear in the middle of a sample, a mark after it, and what comes then', async (_name, platform) => {
    const { world, connection, call, caller } = await talking(platform);
    const ear = new Ear(caller);
    const before = call.audio.playedMs;
    const { said, atEar: wanted } = sentence(platform, 2000, 13);
    platform.speak(connection, said.subarray(0, platform.encoding === 'pcm16' ? said.length - 1 : said.length));
    platform.mark!(connection, 'never');
    await world.run(733);
    platform.clear!(connection);
    platform.mark!(connection, 'after');
    const playedMs = call.audio.playedMs - before;
    expect(platform.marks!(connection)[0]).toBe('never');
    await world.run(20);
    expect(platform.marks!(connection)).toEqual(['never', 'after']);
    await world.run(280);
    if (platform.rate === 8000) {
      const heard = atEar(ear);
      const at = heard.indexOf(wanted.subarray(0, 160));
      let count = 0;
      while (heard[at + count] === wanted[count]) count++;
      // To the fade of 3 ms in which it ends.
      expect(Math.abs(count / 8 - playedMs)).toBeLessThanOrEqual(3.2);
    }
    expect(playedMs).toBeGreaterThan(700);
    expect(playedMs).toBeLessThanOrEqual(740);
    await expectHeard(platform, connection, world, caller, 17);
  });

  test.each(clearing)('%s: a mark is told within a packet of what it follows', async (_name, platform) => {
    const { world, connection } = await talking(platform);
    platform.speak(connection, sentence(platform, 500, 19).said);
    platform.mark!(connection, 'end');
    platform.mark!(connection, 'end');
    let told = 0;
    for (; platform.marks!(connection).length === 0; told += 5) await world.run(5);
    expect(told).toBeGreaterThanOrEqual(480);
    expect(told).toBeLessThanOrEqual(525);
    expect(platform.marks!(connection)).toEqual(['end', 'end']);
  });
});

describe('a platform that is lost', () => {
  test.each(all)(
    '%s: within a second: the sentence is heard to its end, a key is not lost, and what comes then is whole samples',
    async (_name, platform) => {
      const { world, service, connection, caller, bridge } = await talking(platform);
      const ear = new Ear(caller);
      const { said, atEar: wanted } = sentence(platform, 400, 23);
      platform.speak(connection, said);
      // Half a sample, which nothing will ever follow.
      if (platform.encoding === 'pcm16') platform.speak(connection, Uint8Array.of(0x7f));
      await world.run(40);
      service.refusals = 2;
      connection.lose();
      const pressed = caller.sendDtmf('5');
      await world.run(4000);
      await pressed;
      expect(service.last).not.toBe(connection);
      expect(bridge.stats()).toMatchObject({ connects: 2, state: 'up' });
      expect(platform.keys(connection) + platform.keys(service.last)).toBe('5');
      if (platform.rate === 8000) expect(atEar(ear).indexOf(wanted)).toBeGreaterThanOrEqual(0);
      await expectHeard(platform, service.last, world, caller, 29);
    },
  );

  test.each(all)('%s: for seconds: soft notes and silence, nothing else; the call stands', async (_name, platform) => {
    const { world, service, connection, caller, bridge } = await talking(platform);
    const ear = new Ear(caller);
    platform.speak(connection, written(platform, tone(700, 101, platform.rate)).subarray(0, 1601));
    await world.run(500);
    service.refusals = 5;
    connection.lose();
    const from = ear.heard.durationMs;
    await world.run(8000);
    const { samples } = ear.heard.part(from);
    const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    expect(loudest).toBeGreaterThan(300);
    expect(loudest).toBeLessThan(2000);
    expect(caller.state).toBe('answered');
    expect(bridge.stats()).toMatchObject({ connects: 2, state: 'up' });
    expect(bridge.stats()!.up.lostMs).toBeGreaterThan(0);
    await expectHeard(platform, service.last, world, caller, 31);
  });

  test.each(all)('%s: it fails and stays away: what it had said is heard, then the call ends, once', async (_name, platform) => {
    const { world, service, connection, caller, bridge } = await talking(platform, { patienceMs: 2000 });
    const gone: number[] = [];
    (bridge as TwilioStreams).on('gone', ({ code }) => gone.push(code));
    platform.speak(connection, written(platform, tone(700, 4000, platform.rate)));
    await world.run(100);
    service.refusals = 1000;
    platform.fail(connection);
    await world.run(3800);
    expect(caller.state).toBe('answered');
    await world.run(400);
    expect(caller.state).toBe('ended');
    expect(gone).toHaveLength(1);
    expect(bridge.stats()!.state).toBe('over');
  });
});

describe('a platform that does not read', () => {
  test.each(all)('%s: the last second is kept, the older is lost and counted, and then it hears the present', async (_name, platform) => {
    const { world, connection, caller, call, bridge } = await talking(platform);
    await world.run(200);
    const lostBefore = bridge.stats()!.up.lostMs;
    const before = platform.heard(connection).length;
    const frames = listening(call);
    connection.queuedBytes = 200_000;
    caller.audio.write(samplesOf(codes(8 * 3500, 37)));
    await world.run(3000);
    expect(platform.heard(connection).length).toBe(before);
    expect(bridge.stats()!.up).toMatchObject({ heldMs: 1000, lostMs: lostBefore + 2000 });
    const seen = joined(frames);
    connection.queuedBytes = 0;
    await world.run(500);
    const got = platform.heard(connection).subarray(before);
    const kept = written(platform, seen.subarray(seen.length - call.sampleRate));
    // Frames are 20 ms, as the platform's messages are: the second begins at one of them.
    expect(got.indexOf(kept.subarray(kept.length >> 4))).toBeGreaterThanOrEqual(0);
    expect(got.length).toBeGreaterThanOrEqual(1.46 * kept.length);
    expect(bridge.stats()!.up.heldMs).toBe(0);
  });
});

describe('a platform that talks nonsense', () => {
  test.each(all)('%s: unknown, malformed, empty, too early: passed over, and the next sentence is whole', async (_name, platform) => {
    const { world, connection, caller, bridge } = await talking(platform);
    const received = bridge.stats()!.down.receivedMs;
    for (const message of platform.nonsense) connection.say(message);
    platform.clear?.(connection);
    await world.run(100);
    expect(bridge.stats()!.down.receivedMs - received).toBeLessThan(1);
    expect(caller.state).toBe('answered');
    await expectHeard(platform, connection, world, caller, 41);
  });
});
