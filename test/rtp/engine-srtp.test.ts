/** Two streams under SRTP (RFC 3711): they hear each other, nobody else does, and nothing leaves or is taken in the clear. */
import { describe, expect, test } from 'vitest';
import { MediaEngine } from '../../src/rtp/engine.js';
import { parseRtp, writeRtp } from '../../src/rtp/header.js';
import { type CryptoKeys, type CryptoSuite, cryptoKeyLength, cryptoKeysFrom } from '../../src/rtp/srtp/crypto-line.js';
import type { StreamParameters } from '../../src/rtp/stream-parameters.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { MemoryNetwork } from '../../src/testing/memory-network.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const g711 = { payloadType: 0, codec: 'pcmu' } as const;
const random = new SeededRandom(77);
const keysOf = (suite: CryptoSuite): CryptoKeys => cryptoKeysFrom(suite, random.bytes(cryptoKeyLength(suite)));

async function pair(keys: { readonly there: CryptoKeys; readonly back: CryptoKeys; readonly heard?: CryptoKeys }) {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock });
  const wire: Uint8Array[] = [];
  network.onDatagram = (bytes) => wire.push(bytes.slice());
  const [a, b] = await Promise.all([
    new MediaEngine({ clock, network, host: '10.0.0.1' }).open({ sampleRate: 8000, frameMs: 20 }),
    new MediaEngine({ clock, network, host: '10.0.0.2' }).open({ sampleRate: 8000, frameMs: 20 }),
  ]);
  const parameters = (remote: StreamParameters['remote'], send: CryptoKeys, receive: CryptoKeys): StreamParameters => ({
    remote,
    send: true,
    receive: true,
    codec: g711,
    accept: [g711],
    rtcpMux: true,
    srtp: { send, receive },
  });
  a.configure(parameters(b.local, keys.there, keys.back));
  b.configure(parameters(a.local, keys.back, keys.heard ?? keys.there));
  a.outgoing.write(new Int16Array(16_000).fill(6000));
  const cursor = b.incoming.cursor();
  let loud = 0;
  b.onFrames = () => {
    for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) if (frame[80]! > 5000) loud++;
  };
  return { clock, network, wire, a, b, loudFrames: () => loud };
}

describe('a stream under SRTP', () => {
  test.each([
    ['AES_CM_128_HMAC_SHA1_80', 10],
    ['AES_CM_128_HMAC_SHA1_32', 4],
    ['AEAD_AES_256_GCM', 16],
  ] as const)('%s: both hear each other, and what is on the wire is %i bytes longer and not the sound', async (suite, tag) => {
    const { clock, wire, loudFrames, b } = await pair({ there: keysOf(suite), back: keysOf(suite) });
    await clock.run(1500);
    expect(loudFrames()).toBeGreaterThan(60);
    expect(b.stats().receivedUnauthenticated).toBe(0);
    const media = wire.filter((bytes) => parseRtp(bytes) !== undefined && (bytes[1]! & 0x7f) === 0);
    expect(media.length).toBeGreaterThan(100);
    expect(new Set(media.map((bytes) => bytes.length))).toEqual(new Set([172 + tag]));
    const repeated = media.filter((bytes) => new Set(bytes.subarray(12, 172)).size < 40);
    expect(repeated).toEqual([]); // clear µ-law of a constant has one value
  });

  test('under another key nothing is heard, and it is counted', async () => {
    const suite = 'AES_CM_128_HMAC_SHA1_80';
    const { clock, loudFrames, b } = await pair({ there: keysOf(suite), back: keysOf(suite), heard: keysOf(suite) });
    await clock.run(1500);
    expect(loudFrames()).toBe(0);
    expect(b.stats().receivedUnauthenticated).toBeGreaterThan(60);
    expect(b.stats().receivedPackets).toBe(0);
  });

  test('clear packets are not taken, nor does a replayed one count twice', async () => {
    const suite = 'AES_CM_128_HMAC_SHA1_80';
    const { clock, network, wire, a, b } = await pair({ there: keysOf(suite), back: keysOf(suite) });
    const stranger = await network.datagram({ host: '10.0.0.3', port: 7000 });
    await clock.run(500);
    const heard = b.stats().receivedPackets;
    const clear = new Uint8Array(172);
    for (let i = 0; i < 50; i++) {
      writeRtp(clear, { payloadType: 0, marker: false, sequence: i, timestamp: 160 * i, ssrc: 5 });
      stranger.send(clear, 0, clear.length, b.local.port, b.local.address);
    }
    const copy = wire.find((bytes) => bytes.length === 182)!;
    for (let i = 0; i < 50; i++) stranger.send(copy, 0, copy.length, b.local.port, b.local.address);
    a.close();
    await clock.run(500);
    expect(b.stats().receivedUnauthenticated).toBe(100);
    expect(b.stats().receivedPackets).toBeLessThanOrEqual(heard + 5);
  });

  test('the same keys again, on a change of anything else, go on where they were', async () => {
    const suite = 'AES_CM_128_HMAC_SHA1_80';
    const keys = { there: keysOf(suite), back: keysOf(suite) };
    const { clock, a, b, loudFrames } = await pair(keys);
    await clock.run(500);
    const before = loudFrames();
    a.configure({
      remote: b.local,
      send: true,
      receive: true,
      codec: g711,
      accept: [g711],
      rtcpMux: true,
      srtp: { send: { ...keys.there }, receive: { ...keys.back } },
    });
    await clock.run(1000);
    expect(loudFrames() - before).toBeGreaterThan(45);
    expect(b.stats().receivedUnauthenticated).toBe(0);
  });
});
