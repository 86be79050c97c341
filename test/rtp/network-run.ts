/** A sender, a network that does what a seed says, and our receive side, on the manual clock: what was heard of what was sent, and when. */
import type { Decoder } from '../../src/codec/codec.js';
import { Concealer } from '../../src/codec/concealment.js';
import { parseRtp, RtpHeader, writeRtp } from '../../src/rtp/header.js';
import type { JitterBuffer } from '../../src/rtp/jitter-buffer.js';
import { type FrameSource, Playout, type PlayoutOptions } from '../../src/rtp/playout.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

export interface Weather {
  readonly seed: number;
  readonly durationMs: number;
  readonly packetMs?: number;
  readonly frameMs?: number;
  /** `reordering`: each packet is delayed by itself; `queue`: none overtakes another; `spikes`: mostly little, now and then all of it. */
  readonly jitter?: { readonly ms: number; readonly kind: 'reordering' | 'queue' | 'spikes' };
  /** The share lost, in bursts that are so many packets long on average. */
  readonly loss?: { readonly share: number; readonly burst: number };
  readonly duplicates?: number;
  /** Of the sender's clock against ours. */
  readonly driftPpm?: number;
  readonly outage?: { readonly atMs: number; readonly ms: number; readonly fate: 'lost' | 'held' };
  /** From then on there is half a millisecond of jitter and nothing else. */
  readonly calmFromMs?: number;
  readonly clockRate?: number;
  readonly jitterOptions?: PlayoutOptions['jitter'];
}

export interface Run {
  /** Numbers of the packets heard, in the order heard. */
  readonly heard: readonly number[];
  /** For each of them when it was heard, and by how much that was after the fastest way there. */
  readonly heardAt: readonly number[];
  readonly delays: readonly number[];
  /** How much later than the fastest way the packets (first copies) came. */
  readonly lateness: ReadonlyMap<number, number>;
  /** Packets that came and were not heard. */
  readonly late: number;
  readonly sent: number;
  readonly lost: number;
  readonly sources: Readonly<Record<FrameSource, number>>;
  readonly concealedShare: number;
  readonly longestGapMs: number;
  readonly buffer: JitterBuffer;
  readonly samples: Int16Array;
}

/** Half a second of something like a voice: periods, formants, and a pause. */
function voice(sampleRate: number): Int16Array {
  return Int16Array.from({ length: sampleRate * 2 }, (_, i) => {
    const t = i / sampleRate;
    const pitch = 2 * Math.PI * (125 * t + 2 * Math.sin(2 * Math.PI * 0.5 * t));
    const level = Math.max(0, Math.sin(Math.PI * t)) ** 0.5 * 6000;
    let sum = 0;
    for (let k = 1; k <= 8; k++) sum += Math.sin(k * pitch) / k;
    return Math.round(level * sum * 0.5);
  });
}

const BASE_MS = 30;

export function weather(options: Weather): Run {
  const { seed, durationMs, packetMs = 20, frameMs = 20, jitter, loss, duplicates = 0, driftPpm = 0, outage, clockRate = 8000 } = options;
  const calmFrom = options.calmFromMs ?? Number.POSITIVE_INFINITY;
  const random = new SeededRandom(seed);
  const clock = new ManualClock({ now: 1000 });
  const perPacket = (packetMs * clockRate) / 1000;
  const content = voice(clockRate);
  const heard: number[] = [];
  const heardAt: number[] = [];
  const delays: number[] = [];
  const sentAt: number[] = [];
  const decoder: Decoder = {
    sampleRate: clockRate,
    clockRate,
    samplesIn: () => perPacket,
    decode(payload, offset, _length, out, at) {
      const number = new DataView(payload.buffer, payload.byteOffset + offset).getUint32(0);
      heard.push(number);
      const when = clock.now() + (at * 1000) / clockRate;
      heardAt.push(when);
      delays.push(when - sentAt[number]! - BASE_MS);
      for (let i = 0; i < perPacket; i++) out[at + i] = content[(number * perPacket + i) % content.length]!;
      return perPacket;
    },
    reset() {},
    close() {},
  };
  const playout = new Playout({
    frameMs,
    formats: [{ payloadType: 0, clockRate, sampleRate: clockRate, decoder, concealer: new Concealer(clockRate) }],
    ...(options.jitterOptions === undefined ? {} : { jitter: options.jitterOptions }),
  });

  const lateness = new Map<number, number>();
  const header = new RtpHeader();
  const first = random.uint32() & 0xffff;
  const firstTimestamp = random.uint32();
  let sent = 0;
  let lost = 0;
  let isBurst = false;
  let lastArrival = 0;
  const arrive = (number: number, when: number): void => {
    clock.at(when, () => {
      if (!lateness.has(number)) lateness.set(number, clock.now() - sentAt[number]! - BASE_MS);
      const packet = new Uint8Array(12 + 160);
      writeRtp(packet, {
        payloadType: 0,
        marker: number === 0,
        sequence: (first + number) & 0xffff,
        timestamp: (firstTimestamp + number * perPacket) >>> 0,
        ssrc: 7,
      });
      new DataView(packet.buffer).setUint32(12, number);
      playout.put(parseRtp(packet, undefined, header)!, packet, clock.now());
    });
  };
  const start = clock.now() + 5 + random.fraction() * 20;
  const send = (): void => {
    const number = sent++;
    const at = clock.now();
    sentAt.push(at);
    const isCalm = at - start >= calmFrom;
    if (loss !== undefined && !isCalm) {
      // Gilbert: enter and leave bursts so that the share and the length come out.
      const leave = 1 / loss.burst;
      const enter = (leave * loss.share) / (1 - loss.share);
      isBurst = isBurst ? random.fraction() >= leave : random.fraction() < enter;
    } else isBurst = false;
    const since = at - start;
    const isOut = outage !== undefined && since >= outage.atMs && since < outage.atMs + outage.ms;
    let delay = 0;
    if (jitter !== undefined && !isCalm) {
      const share = random.fraction();
      delay = jitter.kind === 'spikes' ? (random.fraction() < 0.04 ? share * jitter.ms : share * jitter.ms * 0.1) : share * jitter.ms;
    } else delay = random.fraction() * 0.5;
    if (isBurst || (isOut && outage.fate === 'lost')) lost++;
    else {
      let when = at + BASE_MS + delay;
      if (isOut) when = Math.max(when, start + outage.atMs + outage.ms + BASE_MS);
      if (jitter?.kind === 'queue') when = Math.max(when, lastArrival);
      lastArrival = when;
      arrive(number, when);
      if (random.fraction() < duplicates && !isCalm) arrive(number, when + random.fraction() * 60);
    }
    if (since + packetMs < durationMs) clock.at(start + sent * packetMs * (1 - driftPpm / 1e6), send);
  };
  clock.at(start, send);

  const perFrame = (frameMs * clockRate) / 1000;
  const frames = Math.floor(durationMs / frameMs);
  const samples = new Int16Array(frames * perFrame);
  // By itself, so that the decoder's place in it is the time until it is heard.
  const one = new Int16Array(perFrame);
  const sources: Record<FrameSource, number> = { heard: 0, concealed: 0, silence: 0, dtmf: 0 };
  let gap = 0;
  let longestGapMs = 0;
  for (let frame = 0; frame < frames; frame++) {
    clock.advance(1000 + (frame + 1) * frameMs - clock.now());
    const source = playout.frame(clock.now(), one);
    samples.set(one, frame * perFrame);
    if (heard.length === 0) continue;
    sources[source]++;
    gap = source === 'heard' ? 0 : gap + frameMs;
    longestGapMs = Math.max(longestGapMs, gap);
  }
  // What came in the last moments could not be heard any more.
  const lastHeard = heard.at(-1) ?? 0;
  const wasHeard = new Set(heard);
  const late = [...lateness.keys()].filter((number) => number < lastHeard && !wasHeard.has(number)).length;
  const total = sources.heard + sources.concealed + sources.silence + sources.dtmf;
  return {
    heard,
    heardAt,
    delays,
    lateness,
    late,
    sent,
    lost,
    sources,
    concealedShare: total === 0 ? 0 : (sources.concealed + sources.silence) / total,
    longestGapMs,
    buffer: playout.buffer,
    samples,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** The smallest delay a buffer that knew the future could have kept throughout, and lost no more packets to lateness than this run did. */
export function smallestFixedDelay(run: Run): number {
  const latest = [...run.lateness.values()].sort((a, b) => b - a);
  return Math.max(0, latest[run.late] ?? 0);
}
