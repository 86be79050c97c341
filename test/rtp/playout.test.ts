import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CodecName, Decoder } from '../../src/codec/codec.js';
import { ComfortNoiseEncoder } from '../../src/codec/comfort-noise.js';
import { Concealer } from '../../src/codec/concealment.js';
import { decoder, describeCodec, encoder } from '../../src/codec/registry.js';
import { OptionError } from '../../src/errors.js';
import { parseRtp, writeRtp } from '../../src/rtp/header.js';
import { type FrameSource, Playout, type PlayoutFormat, type PlayoutOptions } from '../../src/rtp/playout.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const PT: Readonly<Record<string, number>> = { pcmu: 0, pcma: 8, g722: 9, l16: 11 };

function format(name: CodecName): PlayoutFormat {
  const { sampleRate, clockRate } = describeCodec(name);
  return { payloadType: PT[name]!, clockRate, sampleRate, decoder: decoder(name), concealer: new Concealer(sampleRate) };
}

function tone(sampleRate: number, ms: number, hz = 1000): Int16Array {
  return Int16Array.from({ length: (ms * sampleRate) / 1000 }, (_, i) => Math.round(8000 * Math.sin((2 * Math.PI * hz * i) / sampleRate)));
}

/** Something like a voice: a wandering pitch with harmonics, in syllables. */
function voice(sampleRate: number, ms: number): Int16Array {
  return Int16Array.from({ length: (ms * sampleRate) / 1000 }, (_, i) => {
    const t = i / sampleRate;
    const pitch = 2 * Math.PI * (120 * t + 3 * Math.sin(2 * Math.PI * 0.7 * t));
    let sum = 0;
    for (let k = 1; k <= 10; k++) sum += Math.sin(k * pitch + k) / k;
    return Math.round(4000 * Math.abs(Math.sin(Math.PI * 2.5 * t)) * sum);
  });
}

function largestStep(samples: Int16Array, from = 0): number {
  let largest = 0;
  for (let i = Math.max(1, from); i < samples.length; i++) largest = Math.max(largest, Math.abs(samples[i]! - samples[i - 1]!));
  return largest;
}

interface Played {
  readonly samples: Int16Array;
  readonly sources: readonly FrameSource[];
  readonly playout: Playout;
}

interface Journey {
  readonly codec?: CodecName;
  readonly packetMs?: number;
  readonly frameMs?: number;
  /** When a packet comes, in ms after it was sent; undefined: never. */
  readonly delay?: (number: number) => number | undefined;
  readonly jitter?: PlayoutOptions['jitter'];
}

/** A sound through an encoder, a network and the playout. */
function carry(sound: Int16Array, journey: Journey = {}): Played {
  const { codec = 'pcmu', packetMs = 20, frameMs = 20, delay = () => 0, jitter } = journey;
  const formats = [format(codec)];
  const { sampleRate, clockRate } = formats[0]!;
  const coder = encoder(codec);
  const playout = new Playout({ frameMs, formats, ...(jitter === undefined ? {} : { jitter }) });
  const perPacket = (packetMs * sampleRate) / 1000;
  const arrivals: { at: number; packet: Uint8Array }[] = [];
  for (let number = 0; (number + 1) * perPacket <= sound.length; number++) {
    const packet = new Uint8Array(12 + 4 * perPacket);
    writeRtp(packet, {
      payloadType: PT[codec]!,
      marker: false,
      sequence: number,
      timestamp: (number * packetMs * clockRate) / 1000,
      ssrc: 1,
    });
    const length = coder.encode(sound.subarray(number * perPacket, (number + 1) * perPacket), perPacket, packet, 12);
    const late = delay(number);
    if (late !== undefined) arrivals.push({ at: (number + 1) * packetMs + late, packet: packet.slice(0, 12 + length) });
  }
  arrivals.sort((a, b) => a.at - b.at);
  const frames = Math.ceil((sound.length * 1000) / sampleRate / frameMs) + 5;
  const perFrame = (frameMs * sampleRate) / 1000;
  const samples = new Int16Array(frames * perFrame);
  const sources: FrameSource[] = [];
  let next = 0;
  for (let frame = 0; frame < frames; frame++) {
    const now = frame * frameMs + 7;
    for (; next < arrivals.length && arrivals[next]!.at <= now; next++) {
      const { at, packet } = arrivals[next]!;
      playout.put(parseRtp(packet)!, packet, at);
    }
    sources.push(playout.frame(now, samples, frame * perFrame));
  }
  return { samples, sources, playout };
}

/** What the codec alone makes of a sound. */
function coded(sound: Int16Array, codec: CodecName): Int16Array {
  const bytes = new Uint8Array(4 * sound.length);
  const length = encoder(codec).encode(sound, sound.length, bytes, 0);
  const out = new Int16Array(sound.length);
  decoder(codec).decode(bytes, 0, length, out, 0);
  return out;
}

describe.each(['pcmu', 'pcma', 'g722', 'l16'] as const)('%s on an even path', (codec) => {
  test.each([
    [10, 20],
    [20, 20],
    [30, 20],
    [40, 20],
    [60, 20],
    [20, 10],
    [20, 30],
    [30, 40],
    [20, 60],
  ])('packets of %i ms in frames of %i ms: every sample as decoded, none missing', (packetMs, frameMs) => {
    const sound = voice(describeCodec(codec).sampleRate, 1200);
    const { samples, sources } = carry(sound, { codec, packetMs, frameMs, jitter: { minDelayMs: 60, initialDelayMs: 60 } });
    const expected = coded(sound, codec);
    const start = sources.indexOf('heard') * ((frameMs * describeCodec(codec).sampleRate) / 1000);
    expect(start).toBeGreaterThan(0);
    expect(samples.subarray(start, start + expected.length)).toEqual(expected.subarray(0, samples.length - start));
  });
});

describe('no click', () => {
  // Up and down by 80 ms, and bursts of loss: every way of stretching, shrinking and concealing is met.
  const random = new SeededRandom(5);
  const chance = Array.from({ length: 2000 }, () => random.fraction());
  const rough = (number: number): number | undefined => {
    const wild = number % 800 > 100 && number % 800 < 250;
    if (wild && chance[number]! < 0.03) return undefined;
    return wild ? 80 * chance[number + 700]! : 0;
  };

  test.each(['pcmu', 'g722'] as const)('in a tone through %s, whatever is stretched, shrunk or concealed', (codec) => {
    const sound = tone(describeCodec(codec).sampleRate, 24_000);
    const { samples, playout } = carry(sound, { codec, delay: rough });
    const { stats } = playout.buffer;
    expect(stats.shrunkMs).toBeGreaterThan(100);
    expect(stats.stretchedMs + stats.concealedMs).toBeGreaterThan(100);
    expect(stats.missing).toBeGreaterThan(5);
    expect(largestStep(samples)).toBeLessThanOrEqual(1.1 * largestStep(coded(sound, codec)));
  });

  test.each(['pcmu', 'g722'] as const)('in a voice through %s', (codec) => {
    const sound = voice(describeCodec(codec).sampleRate, 24_000);
    const { samples, playout } = carry(sound, { codec, delay: rough });
    expect(playout.buffer.stats.shrunkMs).toBeGreaterThan(100);
    expect(largestStep(samples)).toBeLessThanOrEqual(1.1 * largestStep(coded(sound, codec)));
  });

  test('a stretched and shrunk tone keeps its pitch and its level', () => {
    const { samples, playout } = carry(tone(8000, 10_000), { delay: (number) => (number > 100 && number < 120 ? 60 : 0) });
    expect(playout.buffer.stats.shrunkMs).toBeGreaterThan(30);
    // From one crossing upwards to the next: eight samples, over the time in which it was shrunk.
    const crossings: number[] = [];
    for (let i = 8000 * 4; i < 8000 * 9.5; i++) if (samples[i - 1]! < 0 && samples[i]! >= 0) crossings.push(i);
    const periods = crossings.slice(1).map((at, i) => at - crossings[i]!);
    expect(periods.filter((period) => period < 7 || period > 9)).toEqual([]);
    let energy = 0;
    for (let i = 32_000; i < 76_000; i++) energy += samples[i]! ** 2;
    expect(Math.sqrt(energy / 44_000)).toBeCloseTo(8000 / Math.SQRT2, -2);
  });

  test('where the sender falls silent without a word, and comes back', () => {
    const sound = tone(8000, 4000, 400);
    sound.fill(0, 12_000, 20_000);
    const { samples, sources } = carry(sound, { delay: (number) => (number >= 75 && number < 125 ? undefined : 0) });
    expect(sources.slice(80, 125)).toEqual(Array(45).fill('silence'));
    expect(largestStep(samples)).toBeLessThanOrEqual(1.1 * largestStep(coded(sound, 'pcmu')));
  });
});

const data = process.env['SIPBOT_TEST_DATA'];
describe.skipIf(data === undefined)('recorded speech (needs SIPBOT_TEST_DATA)', () => {
  test.each([
    ['pjproject-input.8.wav', 'pcmu'],
    ['pjproject-input.16.wav', 'g722'],
  ] as const)('%s through %s and a rough network: no step larger than its own', (file, codec) => {
    const bytes = readFileSync(join(data!, 'speech-dev', file));
    const at = bytes.indexOf('data') + 8;
    const recorded = Int16Array.from({ length: (bytes.length - at) >> 1 }, (_, i) => bytes.readInt16LE(at + 2 * i));
    const random = new SeededRandom(9);
    const chance = Array.from({ length: 4000 }, () => random.fraction());
    const { samples, playout } = carry(recorded, {
      codec,
      delay: (number) => (chance[number]! < 0.02 ? undefined : Math.floor(number / 60) % 2 === 1 ? 80 * chance[number + 1000]! : 0),
    });
    expect(playout.buffer.stats.concealedMs).toBeGreaterThan(0);
    expect(largestStep(samples)).toBeLessThanOrEqual(1.1 * largestStep(coded(recorded, codec)));
  });
});

describe('what a frame is made of', () => {
  /** Packets put one by one at ticks of 20 ms. */
  class Line {
    readonly playout: Playout;
    readonly out = new Int16Array(1000);
    #sequence = 0;
    #now = 0;

    constructor(options: Partial<PlayoutOptions> = {}) {
      this.playout = new Playout({ frameMs: 20, formats: [format('pcmu'), format('g722')], ...options, jitter: { initialDelayMs: 5 } });
    }

    send(payloadType: number, payload: Uint8Array, options: { timestamp?: number; marker?: boolean } = {}): string {
      const packet = new Uint8Array(12 + payload.length);
      const { timestamp = this.#sequence * 160, marker = false } = options;
      writeRtp(packet, { payloadType, marker, sequence: this.#sequence++, timestamp, ssrc: 1 });
      packet.set(payload, 12);
      return this.playout.put(parseRtp(packet)!, packet, this.#now);
    }

    lose(): void {
      this.#sequence++;
    }

    frame(): FrameSource {
      this.#now += 10;
      const source = this.playout.frame(this.#now, this.out);
      this.#now += 10;
      return source;
    }
  }
  const loud = new Uint8Array(160).fill(0x10);
  const rms = (samples: Int16Array, count: number) => Math.sqrt(samples.subarray(0, count).reduce((sum, x) => sum + x * x, 0) / count);

  test('heard, concealed, then silence', () => {
    const line = new Line();
    expect(line.frame()).toBe('silence');
    for (let i = 0; i < 3; i++) {
      line.send(0, loud);
      expect(line.frame()).toBe('heard');
    }
    expect([1, 2, 3, 4, 5].map(() => line.frame())).toEqual(['concealed', 'concealed', 'concealed', 'silence', 'silence']);
    expect(rms(line.out, 160)).toBe(0);
  });

  test('RFC 3389: a pause sounds as its noise packet says', () => {
    const line = new Line({ noisePayloadTypes: [13] });
    line.send(0, loud);
    line.frame();
    const noise = new ComfortNoiseEncoder(8000);
    const random = new SeededRandom(1);
    noise.learn(
      Int16Array.from({ length: 1600 }, () => 600 * (random.fraction() - 0.5)),
      1600,
    );
    const payload = new Uint8Array(20);
    line.send(13, payload.slice(0, noise.write(payload, 0)));
    const sources = Array.from({ length: 20 }, () => line.frame());
    expect(sources).toEqual(Array(20).fill('silence'));
    expect(rms(line.out, 160)).toBeGreaterThan(60);
    expect(rms(line.out, 160)).toBeLessThan(400);
  });

  test('RFC 4733: a key is dtmf, and silent', () => {
    const line = new Line({ eventPayloadTypes: [101] });
    line.send(0, loud);
    line.frame();
    const heard: FrameSource[] = [];
    for (let i = 1; i <= 8; i++) {
      line.send(101, Uint8Array.of(5, 10, (i * 160) >> 8, i * 160), { timestamp: 160, marker: i === 1 });
      heard.push(line.frame());
    }
    expect(heard).toEqual(Array(8).fill('dtmf'));
    expect(rms(line.out, 160)).toBe(0);
    line.send(0, loud, { timestamp: 9 * 160 });
    expect(line.frame()).toBe('heard');
    expect(line.playout.buffer.stats.missing).toBe(0);
  });

  test('another codec in the midst: its rate is told, nothing is lost', () => {
    const line = new Line();
    for (let i = 0; i < 3; i++) {
      line.send(0, loud);
      expect([line.frame(), line.playout.sampleRate]).toEqual(['heard', 8000]);
    }
    for (let i = 0; i < 3; i++) {
      line.send(9, new Uint8Array(160).fill(0x5a));
      expect([line.frame(), line.playout.sampleRate]).toEqual(['heard', 16000]);
    }
    expect(line.playout.buffer.stats).toMatchObject({ played: 6, missing: 0 });
  });

  // A PBX answered PCMA to an offer that began with Opus: the first second of the call was silence, or all of it, as the ticks happened to fall.
  test('RFC 7160 a peer that begins with another clock than the first format of the agreement is heard from its first packet on', () => {
    const opus = { ...format('l16'), payloadType: 111, clockRate: 48_000, sampleRate: 48_000 };
    const coder = encoder('pcma');
    const playout = new Playout({ frameMs: 20, formats: [opus, format('pcma')] });
    const sources: FrameSource[] = [];
    for (let number = 0; number < 10; number++) {
      const packet = new Uint8Array(172);
      writeRtp(packet, { payloadType: PT['pcma']!, marker: false, sequence: number, timestamp: number * 160, ssrc: 1 });
      coder.encode(tone(8000, 20), 160, packet, 12);
      playout.put(parseRtp(packet)!, packet, number * 20);
      sources.push(playout.frame(number * 20 + 7, new Int16Array(960)));
    }
    expect(sources).toEqual(['silence', ...Array.from({ length: 9 }, () => 'heard')]);
  });

  test('RFC 7160 another clock: the count begins anew', () => {
    const other: Decoder = {
      sampleRate: 48000,
      clockRate: 48000,
      samplesIn: () => 960,
      decode: (_payload, _offset, _length, out, at) => {
        out.fill(77, at, at + 960);
        return 960;
      },
      reset() {},
      close() {},
    };
    const line = new Line({
      formats: [format('pcmu'), { payloadType: 96, clockRate: 48000, sampleRate: 48000, decoder: other, concealer: undefined }],
    });
    line.send(0, loud);
    line.frame();
    line.send(96, new Uint8Array(80), { timestamp: 5_000_000 });
    expect([line.frame(), line.playout.sampleRate, line.out[0], line.out[959]]).toEqual(['heard', 48000, 77, 77]);
  });

  test('a payload that is none is concealed, and counted', () => {
    const line = new Line({
      formats: [
        {
          ...format('pcmu'),
          decoder: { ...decoder('pcmu'), samplesIn: () => 0, decode: () => 0, reset() {}, close() {}, sampleRate: 8000, clockRate: 8000 },
        },
      ],
    });
    line.send(0, loud);
    expect([line.frame(), line.playout.undecodable]).toEqual(['concealed', 1]);
  });

  test('an unknown payload type is told, and takes no place', () => {
    const line = new Line();
    expect([line.send(18, loud), line.frame()]).toEqual(['unknown', 'silence']);
  });

  test('what was agreed anew keeps what waits; a reset does not', () => {
    const line = new Line();
    line.send(0, loud);
    line.playout.configure({ frameMs: 20, formats: [format('g722'), format('pcmu')] });
    expect(line.frame()).toBe('heard');
    line.send(0, loud);
    line.playout.reset();
    expect(line.frame()).toBe('silence');
  });

  test('no formats is a mistake', () => {
    expect(() => new Playout({ frameMs: 20, formats: [] })).toThrow(OptionError);
  });
});

describe('a decoder that conceals by itself', () => {
  /** Says what it was asked for. */
  function selfConcealing(): { decoder: Decoder; asked: string[] } {
    const asked: string[] = [];
    return {
      asked,
      decoder: {
        sampleRate: 48000,
        clockRate: 48000,
        samplesIn: () => 960,
        decode(payload, offset, _length, out, at) {
          asked.push(`decode ${payload[offset]}`);
          out.fill(1000, at, at + 960);
          return 960;
        },
        conceal(out, at, count, next, offset = 0) {
          asked.push(next === undefined ? `conceal ${count}` : `conceal ${count} from ${next[offset]}`);
          out.fill(1000, at, at + count);
          return count;
        },
        reset() {},
        close() {},
      },
    };
  }

  test('is given the packet after the gap, for the copy in it', () => {
    const { decoder: coder, asked } = selfConcealing();
    const playout = new Playout({
      frameMs: 20,
      formats: [{ payloadType: 96, clockRate: 48000, sampleRate: 48000, decoder: coder, concealer: undefined }],
      jitter: { initialDelayMs: 30 },
    });
    const out = new Int16Array(960);
    for (let number = 0; number < 8; number++) {
      const packet = new Uint8Array(13);
      packet[12] = number;
      writeRtp(packet, { payloadType: 96, marker: false, sequence: number, timestamp: number * 960, ssrc: 1 });
      if (number !== 3) playout.put(parseRtp(packet)!, packet, 20 * number);
      playout.frame(20 * number + 10, out);
    }
    expect(asked).toEqual(['decode 0', 'decode 1', 'decode 2', 'conceal 960 from 4', 'decode 4', 'decode 5', 'decode 6']);
  });

  test('fades out and in where a long gap begins and ends', () => {
    const { decoder: coder } = selfConcealing();
    const playout = new Playout({
      frameMs: 20,
      formats: [{ payloadType: 96, clockRate: 48000, sampleRate: 48000, decoder: coder, concealer: undefined }],
      jitter: { initialDelayMs: 5 },
    });
    const samples = new Int16Array(960 * 30);
    for (let number = 0; number < 30; number++) {
      const packet = new Uint8Array(13);
      writeRtp(packet, { payloadType: 96, marker: false, sequence: number, timestamp: number * 960, ssrc: 1 });
      if (number < 5 || number >= 20) playout.put(parseRtp(packet)!, packet, 20 * number);
      playout.frame(20 * number + 10, samples, 960 * number);
    }
    expect(samples[960 * 15]).toBe(0);
    expect(samples[960 * 29]).toBe(1000);
    expect(largestStep(samples)).toBeLessThanOrEqual(5);
  });
});
