/** The process under measurement of bench/calls.ts: echo calls on the engine, or the floor. Speaks over the channel of its parent. */
import { createSocket } from 'node:dgram';
import { systemRandom } from '../src/random.js';
import { MediaEngine } from '../src/rtp/engine.js';
import { Lateness } from '../src/rtp/media-clock.js';
import type { MediaStream } from '../src/rtp/media-stream.js';
import { type CryptoSuite, cryptoKeyLength, cryptoKeysFrom } from '../src/rtp/srtp/crypto-line.js';

export interface TargetStart {
  readonly calls: number;
  readonly rate: number;
  readonly media: 'plain' | 'srtp';
  readonly threads: number;
}

export interface TargetReport {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly bytesPerCall: number;
  readonly lateness: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number };
  readonly skips: number;
  readonly late: number;
  readonly concealedMs: number;
  readonly emptySlots: number;
}

const HOST = '127.0.0.1';
const SUITE: CryptoSuite = 'AES_CM_128_HMAC_SHA1_80';

interface Target {
  readonly ports: number[];
  /** Of each call, for both directions, when it is SRTP. */
  readonly keys: Uint8Array[];
  begin(): void;
  end(): Pick<TargetReport, 'lateness' | 'skips' | 'late' | 'concealedMs' | 'emptySlots'>;
}

async function floor({ calls }: TargetStart): Promise<Target> {
  const ports: number[] = [];
  const lookup = (_host: string, _options: unknown, callback: (error: null, address: string, family: number) => void): void =>
    callback(null, _host, 4);
  for (let i = 0; i < calls; i++) {
    const socket = createSocket({ type: 'udp4', lookup: lookup as never });
    await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
    socket.on('message', (bytes, remote) => socket.send(bytes, remote.port, remote.address));
    ports.push(socket.address().port);
  }
  return {
    ports,
    keys: [],
    begin: () => {},
    end: () => ({ lateness: { p50: 0, p99: 0, p999: 0, max: 0 }, skips: 0, late: 0, concealedMs: 0, emptySlots: 0 }),
  };
}

async function engine({ calls, rate, media, threads }: TargetStart, from: readonly number[]): Promise<Target> {
  const engine = new MediaEngine({ threads, host: HOST, ports: [20_000, 20_000 + 2 * calls + 1000] });
  await engine.ready();
  const trial = await engine.open({ sampleRate: rate as 8000, frameMs: 20 });
  trial.close();
  globalThis.gc?.();
  rssBefore = process.memoryUsage.rss();
  const streams: MediaStream[] = [];
  const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;
  const keys: Uint8Array[] = [];
  for (let i = 0; i < calls; i++) {
    const key = systemRandom.bytes(cryptoKeyLength(SUITE));
    if (media === 'srtp') keys.push(key);
    const stream = await engine.open({ sampleRate: rate as 8000, frameMs: 20 });
    const port = from[i % from.length]!;
    stream.configure({
      remote: { address: HOST, port, rtcpPort: port },
      send: true,
      receive: true,
      codec: g711,
      accept: [g711],
      rtcpMux: true,
      srtp: media === 'srtp' ? { send: cryptoKeysFrom(SUITE, key), receive: cryptoKeysFrom(SUITE, key) } : undefined,
    });
    const cursor = stream.incoming.cursor();
    const frame = new Int16Array(stream.incoming.frameSamples);
    stream.onFrames = () => {
      while (cursor.next(frame) !== undefined) stream.outgoing.write(frame);
    };
    streams.push(stream);
  }
  const sum = (field: 'receivedLate' | 'concealedMs' | 'sentEmptySlots') =>
    streams.reduce((total, stream) => total + stream.stats()[field], 0);
  let before = { counts: [] as Float64Array[], skips: 0, late: 0, concealedMs: 0, emptySlots: 0 };
  const snapshot = () => {
    const { threads } = engine.stats();
    return {
      counts: threads.map((thread) => thread.lateness.counts),
      skips: threads.reduce((total, thread) => total + thread.skips, 0),
      late: sum('receivedLate'),
      concealedMs: sum('concealedMs'),
      emptySlots: sum('sentEmptySlots'),
    };
  };
  return {
    ports: streams.map((stream) => stream.local.port),
    keys,
    begin: () => {
      before = snapshot();
    },
    end: () => {
      const after = snapshot();
      const counts = new Float64Array(Lateness.buckets);
      after.counts.forEach((of, thread) => {
        for (let bucket = 0; bucket < of.length; bucket++) counts[bucket]! += of[bucket]! - (before.counts[thread]?.[bucket] ?? 0);
      });
      const at = (q: number) => Lateness.quantile(counts, q);
      return {
        lateness: { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) },
        skips: after.skips - before.skips,
        late: after.late - before.late,
        concealedMs: after.concealedMs - before.concealedMs,
        emptySlots: after.emptySlots - before.emptySlots,
      };
    },
  };
}

const kind = process.argv[2] as 'floor' | 'engine';
const send = (message: object | string): void => void process.send!(message);

let target: Target | undefined;
let calls = 0;
let rssBefore = 0;
let began = { cpu: process.cpuUsage(), at: performance.now() };

process.on('message', (message: 'begin' | 'end' | (TargetStart & { readonly from: number[] })) => {
  if (message === 'begin') {
    target!.begin();
    began = { cpu: process.cpuUsage(), at: performance.now() };
    send('begun');
  } else if (message === 'end') {
    const { user, system } = process.cpuUsage(began.cpu);
    const wallMs = performance.now() - began.at;
    const bytesPerCall = (process.memoryUsage.rss() - rssBefore) / calls;
    send({ cpuMs: (user + system) / 1000, wallMs, bytesPerCall, ...target!.end() } satisfies TargetReport);
  } else {
    calls = message.calls;
    globalThis.gc?.();
    rssBefore = process.memoryUsage.rss();
    void (kind === 'floor' ? floor(message) : engine(message, message.from)).then((made) => {
      target = made;
      send({ ports: made.ports, keys: made.keys });
    });
  }
});

send('up');
