/**
 * The rooms of all streams of a thread are one object, moved to whoever's turn it is. On this wire a packet is at its listener before `send` returns: in
 * the middle of one stream's turn another stream takes a packet in, and may answer. Nothing of the one may be found in the other.
 */
import { expect, test } from 'vitest';
import type { DatagramListener, DatagramSocket } from '../../src/network.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import { isRtcp, parseRtp } from '../../src/rtp/header.js';
import type { MediaStream, SampleRate } from '../../src/rtp/media-stream.js';
import { type CryptoSuite, cryptoKeyLength, cryptoKeysFrom } from '../../src/rtp/srtp/crypto-line.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { fitSine, sine } from '../codec/signals.js';

const HOST = '10.0.0.1';
const SECONDS = 3;
/** Calls that end in the middle of a packet of another. */
const PASSERS = 40;
const PCMU = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;

interface Sent {
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly bytes: number;
}

class SuddenWire implements DatagramSocket {
  static readonly #bound = new Map<number, SuddenWire>();
  onMessage: DatagramListener | undefined;
  onError: undefined;
  readonly local;
  readonly sent: Sent[] = [];
  /** What else happens while a packet is on its way. */
  static meanwhile: () => void = () => {};

  constructor(port: number) {
    this.local = { address: HOST, port };
    SuddenWire.#bound.set(port, this);
  }

  static at(port: number): SuddenWire {
    return SuddenWire.#bound.get(port)!;
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number): void {
    const copy = bytes.slice(offset, offset + length);
    const header = isRtcp(copy) ? undefined : parseRtp(copy);
    if (header !== undefined) {
      const { sequence, timestamp, ssrc } = header;
      this.sent.push({ sequence, timestamp, ssrc, bytes: length });
    }
    SuddenWire.#bound.get(port)?.onMessage?.(copy, HOST, this.local.port);
    if (header !== undefined) SuddenWire.meanwhile();
  }

  close(): void {
    this.onMessage = undefined;
  }
}

/** Pairs who talk to each other, no two alike. */
const PAIRS: readonly { readonly rate: SampleRate; readonly codec: 'pcmu' | 'pcma'; readonly suite?: CryptoSuite }[] = [
  { rate: 8000, codec: 'pcmu' },
  { rate: 16_000, codec: 'pcma' },
  { rate: 8000, codec: 'pcma', suite: 'AES_CM_128_HMAC_SHA1_80' },
  { rate: 24_000, codec: 'pcmu', suite: 'AEAD_AES_128_GCM' },
];

function listen(stream: MediaStream): number[] {
  const heard: number[] = [];
  const cursor = stream.incoming.cursor();
  stream.onFrames = () => {
    for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) heard.push(...frame);
  };
  return heard;
}

test('eight streams that fall into each other’s turns: each hears its own peer alone, packet for packet', async () => {
  const clock = new ManualClock();
  const random = new SeededRandom(4);
  const datagram = async ({ port }: { readonly port: number }) => new SuddenWire(port);
  const engine = new MediaEngine({ clock, random, host: HOST, ports: [10_000, 10_200], network: { datagram } });
  const streams: { readonly stream: MediaStream; readonly heard: number[]; readonly rate: number; readonly peer: number }[] = [];
  for (const { rate, codec, suite } of PAIRS) {
    const pair = [await engine.open({ sampleRate: rate, frameMs: 20 }), await engine.open({ sampleRate: rate, frameMs: 20 })] as const;
    const keys = pair.map(() => suite && cryptoKeysFrom(suite, random.bytes(cryptoKeyLength(suite))));
    const format = { payloadType: codec === 'pcmu' ? 0 : 8, codec, ptimeMs: 20 } as const;
    for (const [i, stream] of pair.entries()) {
      const own = keys[i];
      const theirs = keys[1 - i];
      const common = { send: true, receive: true, codec: format, accept: [format], rtcpMux: true } as const;
      const srtp = own && theirs && { send: own, receive: theirs };
      stream.configure({ remote: { ...pair[1 - i]!.local }, ...common, ...(srtp && { srtp }) });
      const number = streams.length;
      stream.outgoing.write(sine(400 + 100 * number, rate, SECONDS, 8000));
      streams.push({ stream, heard: listen(stream), rate, peer: number ^ 1 });
    }
  }
  const passers: MediaStream[] = [];
  for (let i = 0; i < PASSERS; i++) passers.push(await engine.open({ sampleRate: 8000, frameMs: 20 }));
  for (const passer of passers) {
    const remote = { address: HOST, port: 9000, rtcpPort: 9001 };
    passer.configure({ remote, send: true, receive: true, codec: PCMU, accept: [PCMU], rtcpMux: true });
  }
  let sends = 0;
  SuddenWire.meanwhile = () => {
    if (++sends % 11 === 0) passers.pop()?.close();
  };
  await clock.run(SECONDS * 1000 - 500);
  expect(passers).toEqual([]);
  await engine.close();
  for (const [number, { stream, heard, rate, peer }] of streams.entries()) {
    const { sent } = SuddenWire.at(stream.local.port);
    expect(sent.length).toBeGreaterThan(100);
    expect(new Set(sent.map(({ ssrc }) => ssrc)).size).toBe(1);
    expect(new Set(sent.map(({ bytes }) => bytes)).size).toBe(1);
    for (const [i, packet] of sent.slice(1).entries()) {
      expect((packet.sequence - sent[i]!.sequence) & 0xffff).toBe(1);
      expect((packet.timestamp - sent[i]!.timestamp) >>> 0).toBe(160);
    }
    const from = SuddenWire.at(streams[peer]!.stream.local.port).sent;
    const stats = stream.stats();
    expect(stats.receivedPackets).toBe(from.length);
    expect(stats.sentPackets).toBe(sent.length);
    expect(stats).toMatchObject({ receivedLost: 0, receivedLate: 0, receivedForeign: 0, receivedInvalid: 0, receivedUnauthenticated: 0 });
    const { amplitude, rest } = fitSine(Int16Array.from(heard), 400 + 100 * (number ^ 1), rate, rate, 2 * rate);
    expect(amplitude / 8000).toBeGreaterThan(0.97);
    expect(rest / amplitude).toBeLessThan(0.02);
  }
});
