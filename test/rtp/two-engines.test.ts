/** Two engines over a network of memory: what SRTP keeps out, and what RTCP tells. */
import { describe, expect, test } from 'vitest';
import { MediaEngine } from '../../src/rtp/engine.js';
import { isRtcp } from '../../src/rtp/header.js';
import type { MediaStream, StreamEvent } from '../../src/rtp/media-stream.js';
import { parseRtcp } from '../../src/rtp/rtcp.js';
import { SrtpContext } from '../../src/rtp/srtp/context.js';
import { type CryptoKeys, type CryptoSuite, cryptoKeyLength, cryptoKeysFrom } from '../../src/rtp/srtp/crypto-line.js';
import type { StreamParameters } from '../../src/rtp/stream-parameters.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../src/testing/memory-network.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const SUITES: readonly CryptoSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AES_192_CM_HMAC_SHA1_80',
  'AES_192_CM_HMAC_SHA1_32',
  'AES_256_CM_HMAC_SHA1_80',
  'AES_256_CM_HMAC_SHA1_32',
  'AEAD_AES_128_GCM',
  'AEAD_AES_256_GCM',
];
const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;

interface Seen {
  readonly bytes: Buffer;
  readonly from: string;
}

function keysOf(suite: CryptoSuite, seed: number): CryptoKeys {
  return cryptoKeysFrom(suite, new SeededRandom(seed).bytes(cryptoKeyLength(suite)));
}

/** Alice talks, Bob listens; both send all the time. */
async function call(
  options: { readonly suite?: CryptoSuite; readonly mux?: boolean; readonly network?: Partial<MemoryNetworkOptions> } = {},
) {
  const clock = new ManualClock({ now: 3 });
  const network = new MemoryNetwork({ clock, ...options.network });
  const seen: Seen[] = [];
  network.onDatagram = (bytes, from) => seen.push({ bytes: Buffer.from(bytes), from: from.address });
  const open = (host: string, seed: number) =>
    new MediaEngine({ clock, network, host, random: new SeededRandom(seed) }).open({ sampleRate: 8000, frameMs: 20 });
  const [alice, bob] = await Promise.all([open('10.0.0.1', 1), open('10.0.0.2', 2)]);
  const events: StreamEvent[] = [];
  bob.onEvent = (event) => events.push(event);
  const { suite } = options;
  const keys = { alice: suite && keysOf(suite, 11), bob: suite && keysOf(suite, 12) };
  const configure = (mine: MediaStream, theirs: MediaStream, send?: CryptoKeys, receive?: CryptoKeys): void => {
    const parameters: StreamParameters = {
      remote: { address: theirs.local.address, port: theirs.local.port, rtcpPort: theirs.local.rtcpPort },
      send: true,
      receive: true,
      codec: g711,
      accept: [g711],
      rtcpMux: options.mux ?? true,
      ...(send === undefined || receive === undefined ? {} : { srtp: { send, receive } }),
    };
    mine.configure(parameters);
  };
  configure(alice, bob, keys.alice, keys.bob);
  configure(bob, alice, keys.bob, keys.alice);
  return { clock, network, seen, alice, bob, events, keys, configure };
}

const tone = (ms: number): Int16Array => Int16Array.from({ length: 8 * ms }, (_, n) => 8000 * Math.sin((2 * Math.PI * 1000 * n) / 8000));
const loudness = (samples: Int16Array): number => Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length);

/** How many of the frames were loud, from now on. */
function listen(stream: MediaStream): { loud: number; frames: number } {
  const cursor = stream.incoming.cursor();
  const count = { loud: 0, frames: 0 };
  stream.onFrames = () => {
    for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) {
      count.frames++;
      if (loudness(frame) > 4000) count.loud++;
    }
  };
  return count;
}

describe('with SRTP', () => {
  test.each(SUITES)('%s: each hears the other, and every datagram on the wire is one that only the keys open', async (suite) => {
    const { clock, seen, alice, bob, keys } = await call({ suite });
    const heard = listen(bob);
    alice.outgoing.write(tone(4000));
    await clock.run(10_000);
    expect(heard.loud).toBeGreaterThan(195);
    const contexts = { '10.0.0.1': new SrtpContext(keys.alice!), '10.0.0.2': new SrtpContext(keys.bob!) } as Record<string, SrtpContext>;
    let reports = 0;
    for (const { bytes, from } of seen) {
      if (isRtcp(bytes)) {
        reports++;
        expect(parseRtcp(bytes, contexts[from]!.unprotectRtcp(bytes, bytes.length))).toBeDefined();
      } else {
        expect(bytes.length).toBe(172 + contexts[from]!.rtpOverhead);
        expect(contexts[from]!.unprotectRtp(bytes, bytes.length)).toBe(172);
      }
    }
    expect(seen.length).toBeGreaterThan(990);
    expect(reports).toBeGreaterThanOrEqual(4);
    expect(bob.stats()).toMatchObject({ receivedUnauthenticated: 0, receivedLost: 0, receivedInvalidRtcp: 0 });
    expect(bob.stats().receivedRtcp).toBeGreaterThanOrEqual(2);
    expect(bob.stats().rttMs).toBeGreaterThanOrEqual(0);
  });

  test('a replay, a flipped bit and a clear packet, of RTP and of RTCP, are counted and not heard', async () => {
    const { clock, network, seen, alice, bob, keys } = await call({ suite: 'AES_CM_128_HMAC_SHA1_80' });
    alice.outgoing.write(tone(1000));
    await clock.run(5000);
    const before = bob.stats();
    const heard = listen(bob);
    const { address, port } = bob.local;
    const hostile = await network.datagram({ host: '10.0.0.66', port: 4000 });
    const loud = seen.filter(({ bytes, from }) => from === '10.0.0.1' && !isRtcp(bytes)).slice(5, 45);
    const reports = seen.filter(({ bytes, from }) => from === '10.0.0.1' && isRtcp(bytes));
    const clear = loud.map(({ bytes }) => {
      const packet = Buffer.from(bytes);
      const length = new SrtpContext(keys.alice!).unprotectRtp(packet, packet.length);
      packet.writeUInt16BE((packet.readUInt16BE(2) + 200) & 0xffff, 2);
      return packet.subarray(0, length);
    });
    let sent = 0;
    const inject = (bytes: Uint8Array): void => {
      hostile.send(bytes, 0, bytes.length, port, address);
      sent++;
    };
    for (const { bytes } of [...loud, ...reports]) {
      inject(bytes);
      const tampered = Buffer.from(bytes);
      tampered[bytes.length - 20]! ^= 1;
      tampered.writeUInt16BE((tampered.readUInt16BE(2) + (isRtcp(bytes) ? 0 : 300)) & 0xffff, 2);
      inject(tampered);
    }
    for (const bytes of clear) inject(bytes);
    await clock.run(2000);
    const after = bob.stats();
    expect(sent).toBeGreaterThan(120);
    expect(after.receivedUnauthenticated - before.receivedUnauthenticated).toBe(sent);
    expect(after).toMatchObject({ receivedForeign: 0, receivedDuplicates: 0, receivedLost: 0, receivedInvalidRtcp: 0 });
    expect(after.receivedPackets - before.receivedPackets).toBe(100);
    expect(heard.loud).toBeLessThanOrEqual(3);
    expect(heard.frames).toBeGreaterThan(95);
  });

  test('one side with keys and one without hear nothing of each other', async () => {
    const { clock, alice, bob, configure, keys } = await call({ suite: 'AES_CM_128_HMAC_SHA1_80' });
    configure(alice, bob);
    const heard = listen(bob);
    alice.outgoing.write(tone(1000));
    await clock.run(1500);
    expect(heard.loud).toBe(0);
    expect(bob.stats().receivedPackets).toBe(0);
    expect(bob.stats().receivedUnauthenticated).toBeGreaterThan(70);
    configure(alice, bob, keys.alice, keys.bob);
    alice.outgoing.write(tone(1000));
    await clock.run(1500);
    expect(heard.loud).toBeGreaterThan(40);
  });

  test('RFC 4568 §7.1.4 new keys in the middle of a call, 80 ms apart and with packets under way: not one is lost', async () => {
    const { clock, alice, bob, configure, keys } = await call({ suite: 'AES_CM_128_HMAC_SHA1_80', network: { delayMs: 40 } });
    await clock.run(1000);
    const fresh = keysOf('AEAD_AES_256_GCM', 99);
    const before = bob.stats();
    configure(bob, alice, keys.bob, fresh);
    await clock.run(80);
    configure(alice, bob, fresh, keys.bob);
    await clock.run(1000);
    const after = bob.stats();
    expect(after.receivedUnauthenticated).toBe(0);
    expect(after.receivedLost).toBe(0);
    expect(after.receivedPackets - before.receivedPackets).toBeGreaterThanOrEqual(53);
  });

  test('a repeated configure with the same keys goes on counting: nothing is lost, no replay is let in', async () => {
    const { clock, seen, network, alice, bob, configure, keys } = await call({ suite: 'AES_CM_128_HMAC_SHA1_80' });
    await clock.run(500);
    configure(bob, alice, keys.bob, keys.alice);
    configure(alice, bob, keys.alice, keys.bob);
    const hostile = await network.datagram({ host: '10.0.0.66', port: 4000 });
    const old = seen.find(({ bytes, from }) => from === '10.0.0.1' && !isRtcp(bytes))!.bytes;
    hostile.send(old, 0, old.length, bob.local.port, bob.local.address);
    await clock.run(500);
    expect(bob.stats()).toMatchObject({ receivedUnauthenticated: 1, receivedLost: 0, receivedDuplicates: 0 });
    expect(bob.stats().receivedPackets).toBeGreaterThan(45);
  });
});

describe('RTCP', () => {
  test.each([
    ['on the RTP port', true, undefined],
    ['on the odd port', false, undefined],
    ['on the odd port with SRTP', false, 'AEAD_AES_128_GCM'],
  ] as const)('%s: round trip, loss, jitter and MOS of both directions at both ends', async (_, mux, suite) => {
    const { clock, alice, bob } = await call({ mux, ...(suite && { suite }), network: { delayMs: 60, jitterMs: 20, loss: 0.05, seed: 8 } });
    await clock.run(60_000);
    for (const [here, there] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const stats = here.stats();
      expect(stats.rttMs).toBeGreaterThan(115);
      expect(stats.rttMs).toBeLessThan(170);
      expect(stats.remoteLost).toBeGreaterThan(100);
      expect(stats.remoteLost).toBeLessThanOrEqual(there.stats().receivedLost);
      expect(stats.remoteLossFraction).toBeLessThan(0.15);
      expect(stats.remoteJitterMs).toBeGreaterThan(2);
      expect(stats.remoteJitterMs).toBeLessThan(20);
      expect(stats.receivedMos).toBeGreaterThan(2);
      expect(stats.receivedMos).toBeLessThan(4.3);
      // What the far end says of itself, in whole numbers, and no longer ago than a report.
      expect(Math.abs(stats.sentR - there.stats().receivedR)).toBeLessThan(6);
      expect(stats.sentMos).toBeGreaterThan(2);
      expect(stats.receivedRtcp).toBeGreaterThan(8);
      expect(stats.receivedInvalidRtcp).toBe(0);
    }
  });

  test('§6.6 who hangs up says BYE', async () => {
    for (const suite of [undefined, 'AES_CM_128_HMAC_SHA1_80'] as const) {
      const { clock, alice, events } = await call(suite ? { suite } : {});
      await clock.run(3000);
      expect(events.some(({ type }) => type === 'rtcpBye')).toBe(false);
      alice.close();
      await clock.run(100);
      expect(events.filter(({ type }) => type === 'rtcpBye')).toHaveLength(1);
    }
  });

  test('in clear, what claims to be a report and comes from elsewhere is not believed', async () => {
    const { clock, network, seen, alice, bob, events } = await call();
    await clock.run(5000);
    const hostile = await network.datagram({ host: '10.0.0.66', port: 4000 });
    const report = seen.findLast(({ bytes, from }) => from === '10.0.0.1' && isRtcp(bytes))!.bytes;
    const before = bob.stats();
    const lie = Buffer.from(report);
    lie[32] = 255;
    hostile.send(lie, 0, lie.length, bob.local.port, bob.local.address);
    const bye = Buffer.from([0x80, 201, 0, 1, ...report.subarray(4, 8), 0x81, 203, 0, 1, ...report.subarray(4, 8)]);
    hostile.send(bye, 0, bye.length, bob.local.port, bob.local.address);
    await clock.run(200);
    const after = bob.stats();
    expect(after.receivedRtcp).toBe(before.receivedRtcp);
    expect(after.receivedForeign - before.receivedForeign).toBe(2);
    expect(after.remoteLossFraction).toBe(before.remoteLossFraction);
    expect(events.filter(({ type }) => type === 'rtcpBye')).toEqual([]);
    alice.close();
  });
});
