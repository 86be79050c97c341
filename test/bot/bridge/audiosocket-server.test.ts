/** An AudioSocket server and the ugly parts of its peers: what comes in any split, all at once, or makes no sense; who does not read, and who fails. */
import { describe, expect, test } from 'vitest';
import type { AudioSocketCall } from '../../../src/bot/bridge/audiosocket-call.js';
import { FrameSplitter, uuidBytes, writeFrame } from '../../../src/bot/bridge/audiosocket-frames.js';
import { AudioSocketServer } from '../../../src/bot/bridge/audiosocket-server.js';
import type { ByteStream, Network } from '../../../src/network.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { codes } from './bridged-call.js';

const UUID = '40325ec2-5efd-4bd3-805f-53576e581d13';
const here = { address: '127.0.0.1', port: 9092 };

/** The far end of a connection, in our hands. */
class Peer implements ByteStream {
  readonly local = here;
  readonly remote = here;
  queuedBytes = 0;
  onBytes: ByteStream['onBytes'];
  onClose: ByteStream['onClose'];
  isEnded = false;
  readonly #got: Buffer[] = [];
  readonly #splitter = new FrameSplitter(({ kind, payload }) => void (kind === 0x10 && this.#got.push(Buffer.from(payload))));

  write(bytes: Uint8Array): boolean {
    this.#splitter.take(bytes);
    return true;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isEnded = true;
  }

  get sound(): Buffer {
    return Buffer.concat(this.#got);
  }

  /** In pieces of these lengths, over and over. */
  send(bytes: Uint8Array, ...lengths: number[]): void {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = lengths[i % lengths.length] ?? bytes.length;
      this.onBytes?.(bytes.subarray(at, at + length));
      at += length;
    }
  }
}

async function connected() {
  const clock = new ManualClock();
  let welcome: (stream: ByteStream) => void = () => {};
  const network = {
    listen: async (_options: unknown, onStream: typeof welcome) => {
      welcome = onStream;
      return { local: here, close: () => {} };
    },
  } as unknown as Network;
  const server = new AudioSocketServer({ clock, network });
  await server.start();
  const called = new Promise<AudioSocketCall>((resolve) => server.on('call', resolve));
  const peer = new Peer();
  welcome(peer);
  peer.send(writeFrame(0x01, uuidBytes(UUID)));
  return { clock, server, peer, call: await called };
}

/** Without a zero sample: what is silence is none of it. */
const sound = (ms: number, seed = 1): Int16Array => Int16Array.from(codes(ms * 8, seed), (code) => (code - 127.5) * 128);
const bytesOf = (samples: Int16Array): Buffer => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
const frames = (bytes: Uint8Array, payload: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(bytes.length / payload) }, (_, i) => writeFrame(0x10, bytes.subarray(i * payload, (i + 1) * payload))),
  );

function hearing(call: AudioSocketCall): () => Buffer {
  const heard: Buffer[] = [];
  call.audio.on('frame', ({ samples }) => void heard.push(Buffer.from(bytesOf(samples))));
  return () => Buffer.concat(heard);
}

describe('bit by bit', () => {
  test.each([
    ['frames of 20 ms', 320],
    ['frames cut through samples', 333],
    ['frames of a byte', 1],
    ['frames as long as they can be', 65_535],
  ])('what it hears, in %s, and those cut anywhere', async (_what, payload) => {
    const { peer, call } = await connected();
    const heard = hearing(call);
    const said = bytesOf(sound(6000));
    peer.send(frames(said, payload), 1, 700, 2, 1399);
    expect(heard().equals(said)).toBe(true);
  });

  test('what it says; clear in the middle; a mark after it; what it says then', async () => {
    const { clock, peer, call } = await connected();
    const marks: string[] = [];
    call.audio.on('mark', ({ name, outcome }) => marks.push(`${name} ${outcome}`));
    const [first, second] = [sound(2000, 3), sound(300, 5)];
    call.audio.write(first);
    call.audio.mark('never');
    await clock.run(733);
    const before = peer.sound.length;
    const { playedMs, droppedMs } = call.audio.clear();
    expect(playedMs + droppedMs).toBe(2000);
    call.audio.mark('after');
    call.audio.write(second);
    call.audio.mark('end');
    await clock.run(20);
    expect(marks).toEqual(['never cleared', 'after sent']);
    await clock.run(400);
    expect(marks.at(-1)).toBe('end sent');
    const sent = peer.sound;
    // Frames that were on the wire when it was cleared, and not a sample of the first sentence behind them but the fade in which it ends.
    const at = sent.indexOf(bytesOf(first).subarray(0, 320));
    expect(sent.subarray(at, before).equals(bytesOf(first).subarray(0, before - at))).toBe(true);
    expect((before - at) / 16).toBe(playedMs);
    expect(sent.indexOf(bytesOf(second))).toBeGreaterThanOrEqual(before);
    expect(sent.indexOf(bytesOf(second))).toBeLessThanOrEqual(before + 320);
  });
});

test('ten seconds in one moment: who listens has all of it, who does not the last second, and is told', async () => {
  const { peer, call } = await connected();
  const heard = hearing(call);
  const late = call.audio[Symbol.asyncIterator]();
  const said = bytesOf(sound(10_000, 7));
  peer.send(frames(said, 320));
  expect(heard().equals(said)).toBe(true);
  const { value } = await late.next();
  expect(value!.droppedMs).toBeGreaterThanOrEqual(9000);
  expect(value!.droppedMs + value!.samples.length / 8).toBeLessThanOrEqual(10_000);
  await late.return?.();
});

test('a peer that does not read: nothing more is sent and nothing kept for it, what was to be said waits; then it goes on', async () => {
  const { clock, peer, call } = await connected();
  const said = sound(1000, 9);
  call.audio.write(said);
  await clock.run(100);
  const before = peer.sound.length;
  peer.queuedBytes = 70_000;
  await clock.run(60_000);
  expect(peer.sound.length).toBe(before);
  expect(call.skippedMs).toBe(60_000);
  peer.queuedBytes = 0;
  await clock.run(1000);
  expect(peer.sound.indexOf(bytesOf(said))).toBeGreaterThanOrEqual(0);
});

test('what makes no sense is passed over: other kinds, another name, no sound, keys that are none; then it hears again', async () => {
  const { peer, call } = await connected();
  const heard = hearing(call);
  const keys: string[] = [];
  call.on('dtmf', (key) => keys.push(key));
  for (const [kind, payload] of [
    [0x42, new Uint8Array(70)],
    [0x01, new Uint8Array(16)],
    [0x10, new Uint8Array(0)],
    [0x03, new Uint8Array(0)],
    [0x03, Buffer.from('x')],
    [0x1f, new Uint8Array(9)],
    [0x03, Buffer.from('7')],
  ] as const)
    peer.send(writeFrame(kind, payload));
  const said = bytesOf(sound(200, 11));
  peer.send(frames(said, 320));
  expect(heard().equals(said)).toBe(true);
  expect(keys).toEqual(['7']);
});

test.each([
  ['an error', (peer: Peer) => peer.send(writeFrame(0xff, Uint8Array.of(4))), 'it says error 4'],
  ['a hang-up', (peer: Peer) => peer.send(writeFrame(0x00)), 'it hung up'],
  ['a connection that breaks', (peer: Peer) => peer.onClose?.(new Error('ECONNRESET')), 'ECONNRESET'],
])('%s in the middle of a sentence: told once, what plays is at its end, nothing is left', async (_what, happens, reason) => {
  const { clock, server, peer, call } = await connected();
  const ends: unknown[] = [];
  call.on('ended', (end) => ends.push(end));
  const playout = call.play(sound(5000));
  await clock.run(500);
  happens(peer);
  happens(peer);
  peer.send(frames(bytesOf(sound(100)), 320));
  expect((await playout.done).outcome).toBe('ended');
  expect(ends).toEqual([{ by: 'remote', reason }]);
  expect([peer.isEnded, server.calls.size, clock.pending]).toEqual([true, 0, 0]);
  expect(call.audio.write(sound(20))).toBe(false);
});
