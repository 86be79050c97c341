import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AudioSocket } from '../../../src/bot/bridge/audiosocket.js';
import type { AudioSocketCall } from '../../../src/bot/bridge/audiosocket-call.js';
import { FrameSplitter, uuidBytes, uuidText, writeFrame } from '../../../src/bot/bridge/audiosocket-frames.js';
import { AudioSocketServer, type AudioSocketServerOptions } from '../../../src/bot/bridge/audiosocket-server.js';
import type { ByteStream } from '../../../src/network.js';
import { Heard } from '../../../src/testing/heard.js';
import { Ear, NOTHING_LEFT, tone, World } from '../support/world.js';
import { codes, noise, settledBuffers } from './bridged-call.js';

const UUID = '40325ec2-5efd-4bd3-805f-53576e581d13';

describe('frames', () => {
  test('any frames, in any split, come out as they went in', () => {
    const frame = fc.record({ kind: fc.integer({ min: 0, max: 255 }), payload: fc.uint8Array({ maxLength: 700 }) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 30 }), (frames, cuts) => {
        const wire = Buffer.concat(frames.map(({ kind, payload }) => writeFrame(kind, payload)));
        const out: { kind: number; payload: Uint8Array }[] = [];
        const splitter = new FrameSplitter(({ kind, payload }) => out.push({ kind, payload: payload.slice() }));
        let at = 0;
        for (const cut of [...cuts, wire.length]) {
          splitter.take(wire.subarray(at, at + cut));
          at += cut;
        }
        expect(out).toEqual(frames);
      }),
      { numRuns: 200 },
    );
  });

  test('the wire: kind, length with the high byte first, payload; UUIDs as 16 bytes', () => {
    expect(Buffer.from(writeFrame(0x10, new Uint8Array(320))).subarray(0, 3)).toEqual(Buffer.from([0x10, 0x01, 0x40]));
    expect(Buffer.from(writeFrame(0))).toEqual(Buffer.from([0, 0, 0]));
    expect(uuidText(uuidBytes(UUID)!)).toBe(UUID);
    expect(uuidBytes('nonsense')).toBeUndefined();
  });
});

async function both(sampleRate: 8000 | 16000 = 8000, server: Partial<AudioSocketServerOptions> = {}) {
  const world = new World();
  const calls: AudioSocketCall[] = [];
  const listening = new AudioSocketServer({
    host: '10.0.0.3',
    sampleRate,
    clock: world.clock,
    network: world.network,
    logger: world.logger,
    ...server,
  });
  listening.on('call', (call) => calls.push(call));
  await world.until(listening.start());
  const bridge = new AudioSocket({ host: '10.0.0.3', uuid: UUID, sampleRate, network: world.network });
  await world.bot(2, { codecs: ['pcmu', 'g722'], bot: () => bridge });
  const [caller, call] = await world.talking(await world.bot(1, { codecs: ['pcmu'], audio: { sampleRate: 8000 } }), 2);
  await world.run(100);
  return { world, server: listening, calls, bridge, caller, call };
}

describe('AudioSocket, both roles against each other', () => {
  test('UUID, sound both ways bit by bit, keys, hang-up of either', async () => {
    const { world, calls, caller, call, bridge, server } = await both();
    const [answered] = calls;
    expect(answered!.id).toBe(UUID);
    expect(bridge.uuid).toBe(UUID);
    await settledBuffers(world, caller, call);
    const there: Int16Array[] = [];
    const digits: string[] = [];
    answered!.audio.on('frame', ({ samples }) => void there.push(samples));
    answered!.on('dtmf', (digit) => digits.push(digit));
    const here: Int16Array[] = [];
    call.audio.on('frame', ({ samples }) => void here.push(samples));
    const said = Int16Array.from(codes(8000), (code) => (code - 128) * 64);
    caller.audio.write(said);
    answered!.audio.write(said);
    const ear = new Ear(caller);
    await world.run(1500);
    const bytes = (frames: Int16Array[]): Buffer =>
      Buffer.concat(frames.map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength)));
    const sent = bytes(here);
    expect(bytes(there).indexOf(sent.subarray(0, 16_000))).toBeGreaterThanOrEqual(0);
    expect(ear.heard.isSilent).toBe(false);
    await world.until(caller.sendDtmf('1#'));
    await world.run(200);
    expect(digits).toEqual(['1', '#']);
    const ends: unknown[] = [];
    answered!.on('ended', (end) => ends.push(end));
    void caller.hangup();
    await world.run(500);
    expect(ends).toEqual([{ by: 'remote', reason: 'it hung up' }]);
    expect(server.calls.size).toBe(0);
    server.stop();
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('the server hangs up: what it said is heard, then the call ends', async () => {
    const { world, calls, caller } = await both();
    calls[0]!.audio.write(tone(500, 400, 8000));
    await world.until(calls[0]!.audio.drained());
    calls[0]!.hangup();
    await world.run(500);
    expect(caller.state).toBe('ended');
  });

  test('16 kHz has a kind of its own', async () => {
    const { world, calls, call } = await both(16000);
    expect(call.sampleRate).toBe(16_000);
    const ear: Int16Array[] = [];
    calls[0]!.audio.on('frame', ({ samples }) => void ear.push(samples));
    calls[0]!.audio.write(tone(500, 500));
    await world.run(800);
    expect(ear.every((frame) => frame.length === 320)).toBe(true);
  });

  test('the server’s audio is a call’s: ledger, marks, clear, sounds mixed under speech', async () => {
    const { world, calls, caller } = await both();
    const { audio } = calls[0]!;
    audio.write(noise(2000, 8000));
    await world.run(4000);
    const before = audio.playedMs;
    const ear = new Ear(caller);
    const marks: string[] = [];
    audio.on('mark', ({ name, outcome }) => marks.push(`${name} ${outcome}`));
    audio.write(tone(500, 400, 8000));
    audio.mark('a');
    audio.write(tone(500, 4000, 8000));
    audio.mark('b');
    await world.run(600);
    const { droppedMs } = audio.clear();
    const { playedMs } = audio;
    expect(playedMs - before).toBeGreaterThanOrEqual(580);
    expect(playedMs - before).toBeLessThanOrEqual(620);
    expect(playedMs - before + droppedMs).toBe(4400);
    expect(marks).toEqual(['a sent', 'b cleared']);
    const playout = calls[0]!.play(tone(900, 300, 8000), { mode: 'mix' });
    await world.run(600);
    expect(await playout.done).toEqual({ outcome: 'completed', playedMs: 300 });
    const { heard } = ear;
    const after = heard.part(heard.onsetMs! + 620, 500);
    expect(after.part(after.onsetMs! + 30, 200).shareOf(900)).toBeGreaterThan(0.9);
  });

  test('a connection that breaks is made again with the same UUID; a server that hangs up has finished', async () => {
    const world = new World();
    const seen: Buffer[] = [];
    const streams: ByteStream[] = [];
    await world.until(
      world.network.listen({ host: '10.0.0.3', port: 9092 }, (stream) => {
        streams.push(stream);
        stream.onBytes = (bytes) => void seen.push(Buffer.from(bytes));
      }),
    );
    const bridge = new AudioSocket({ host: '10.0.0.3', uuid: UUID, network: world.network });
    await world.bot(2, { bot: () => bridge });
    const [caller] = await world.talking(await world.bot(1), 2);
    await world.run(500);
    streams[0]!.destroy();
    await world.run(500);
    expect(streams).toHaveLength(2);
    const hello = Buffer.from(writeFrame(0x01, uuidBytes(UUID)));
    expect(seen.filter((bytes) => bytes.subarray(0, 19).equals(hello))).toHaveLength(2);
    expect(bridge.stats()).toMatchObject({ connects: 2, state: 'up' });
    expect(caller.state).toBe('answered');
    streams[1]!.write(writeFrame(0x00));
    await world.run(500);
    expect(caller.state).toBe('ended');
  });
});

async function raw(world: World): Promise<ByteStream> {
  const stream = await world.until(world.network.connect({ host: '10.0.0.3', port: 9092 }));
  stream.onBytes = () => {};
  return stream;
}

describe('an AudioSocket server and strangers', () => {
  test('no UUID first, an unexpected one, silence, too many: closed, and nothing is kept', async () => {
    const world = new World();
    const server = new AudioSocketServer({
      host: '10.0.0.3',
      clock: world.clock,
      network: world.network,
      maxCalls: 2,
      accepts: (uuid) => uuid === UUID,
    });
    const calls: AudioSocketCall[] = [];
    server.on('call', (call) => calls.push(call));
    await world.until(server.start());
    const closed: string[] = [];
    const visit = async (name: string, bytes: Uint8Array | undefined): Promise<ByteStream> => {
      const stream = await raw(world);
      stream.onClose = () => closed.push(name);
      if (bytes !== undefined) stream.write(bytes);
      await world.run(100);
      return stream;
    };
    await visit('sound first', Buffer.concat([writeFrame(0x10, new Uint8Array(320)), writeFrame(0x01, uuidBytes(UUID))]));
    await visit('unexpected', writeFrame(0x01, new Uint8Array(16)));
    await visit('short', writeFrame(0x01, new Uint8Array(3)));
    await visit('silent', undefined);
    expect(closed).toEqual(['sound first', 'unexpected', 'short']);
    await world.run(5000);
    expect(closed).toEqual(['sound first', 'unexpected', 'short', 'silent']);
    for (let i = 0; i < 3; i++) await visit(`call ${i}`, writeFrame(0x01, uuidBytes(UUID)));
    expect(closed.slice(4)).toEqual(['call 2']);
    expect(calls).toHaveLength(2);
    server.stop();
    await world.run(100);
    expect(server.calls.size).toBe(0);
    expect(world.clock.pending).toBe(0);
  });

  test('any bytes after the UUID: no throw, and the call goes on or ends', async () => {
    const world = new World();
    const server = new AudioSocketServer({ host: '10.0.0.3', clock: world.clock, network: world.network });
    await world.until(server.start());
    for (let seed = 1; seed < 30; seed++) {
      const stream = await raw(world);
      stream.write(writeFrame(0x01, uuidBytes(UUID)));
      stream.write(codes(3000, seed));
      await world.run(50);
      stream.destroy();
      await world.run(50);
    }
    expect(server.calls.size).toBe(0);
    server.stop();
  });

  test('ten minutes: 30 000 frames out, on time to the last, and 30 000 in', async () => {
    const world = new World();
    const server = new AudioSocketServer({ host: '10.0.0.3', clock: world.clock, network: world.network });
    let call: AudioSocketCall | undefined;
    server.on('call', (one) => {
      call = one;
    });
    await world.until(server.start());
    const stream = await world.until(world.network.connect({ host: '10.0.0.3', port: 9092 }));
    let got = 0;
    stream.onBytes = (bytes) => {
      got += bytes.length;
    };
    stream.write(writeFrame(0x01, uuidBytes(UUID)));
    await world.run(10);
    const begin = world.clock.now();
    let heard = 0;
    call!.audio.on('frame', () => void heard++, { borrow: true });
    const frame = writeFrame(0x10, new Uint8Array(320));
    const send = (i: number): void => {
      stream.write(frame);
      if (i < 29_999) world.clock.at(begin + 20 * (i + 1), () => send(i + 1));
    };
    send(0);
    for (let i = 0; i < 60; i++) await world.run(10_000);
    expect(heard).toBe(30_000);
    expect(got / 323).toBeGreaterThanOrEqual(29_999);
    expect(got / 323).toBeLessThanOrEqual(30_000);
    expect(call!.skippedMs).toBe(0);
    server.stop();
  }, 60_000);

  test('what it hears is what was sent', async () => {
    const world = new World();
    const server = new AudioSocketServer({ host: '10.0.0.3', clock: world.clock, network: world.network });
    const frames: Int16Array[] = [];
    server.on('call', (call) => void call.audio.on('frame', ({ samples }) => void frames.push(samples)));
    await world.until(server.start());
    const stream = await raw(world);
    stream.write(writeFrame(0x01, uuidBytes(UUID)));
    const said = tone(440, 1000, 16_000);
    stream.write(writeFrame(0x12, new Uint8Array(said.buffer.slice(0))));
    await world.run(100);
    const heard = new Heard(Int16Array.from(frames.flatMap((frame) => [...frame])), 8000);
    expect(heard.samples).toHaveLength(8000);
    expect(heard.part(50, 900).shareOf(440)).toBeGreaterThan(0.99);
    server.stop();
  });
});
