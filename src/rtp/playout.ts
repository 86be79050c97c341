/**
 * The receive side from accepted packets to PCM: jitter buffer, decoder, concealment and time-scaling, one frame per tick.
 *
 * Sound is decoded when it is due into a short store, in which it is stretched or shrunk as the jitter buffer asks.
 */
import type { Decoder } from '../codec/codec.js';
import { ComfortNoiseDecoder } from '../codec/comfort-noise.js';
import { OptionError } from '../errors.js';
import type { Place } from './cells.js';
import type { RtpHeader } from './header.js';
import { JitterBuffer, type JitterStats, type PutOutcome } from './jitter-buffer.js';
import type { JitterOptions } from './jitter-options.js';
import { TimeScale } from './time-scale.js';

/** Hides losses for codecs that do not themselves: `Concealer` of the codec room. */
export interface LossConcealer {
  /** `isKept`: it stays there, unchanged, for a quarter of a second at least. */
  good(samples: Int16Array, count: number, at: number, isKept: boolean): void;
  conceal(out: Int16Array, count: number, at: number): void;
  /** The gap has lasted so long that nothing is left of the sound. */
  readonly isSilent: boolean;
  reset(): void;
}

export interface PlayoutFormat {
  readonly payloadType: number;
  /** Of the RTP timestamp. */
  readonly clockRate: number;
  /** Of the samples the decoder gives. */
  readonly sampleRate: number;
  readonly decoder: Decoder;
  /** Needed unless the decoder conceals by itself. */
  readonly concealer: LossConcealer | undefined;
}

export interface PlayoutOptions {
  readonly frameMs: number;
  readonly formats: readonly PlayoutFormat[];
  /** Comfort noise, RFC 3389: 13, and what was agreed for other clock rates. */
  readonly noisePayloadTypes?: readonly number[];
  readonly eventPayloadTypes?: readonly number[];
  /** Of the events; when it is not the sound's, their durations are not used. @default the first format's */
  readonly eventClockRate?: number;
  readonly jitter?: Partial<Omit<JitterOptions, 'clockRate' | 'frameMs'>>;
}

/** What a frame is made of, for the most part. */
export type FrameSource = 'heard' | 'concealed' | 'silence' | 'dtmf';

/**
 * The likeness asked for of a place to be time-scaled, at first, and by how much it falls each time none is found: in a voice one is found at once,
 * in noise after a third of a second, and in the end anything will do, for the delay must come down.
 */
const LIKENESS = 0.9;
const LIKENESS_FALL = 0.05;
/** Sound heard as it was between two shrinks. */
const REST_MS = 40;
/** What is left over, less than most periods, waits for a soft moment or a lucky one, which are looked for now and then. */
const LEFT_OVER_MS = 4;
const LEFT_OVER_REST_MS = 300;
/** A step of so much is lost in the noise of any telephone line. */
const QUIET = 64;
/** No packet is longer than this, whatever it says: Opus allows 120 ms. */
const LONGEST_PACKET_MS = 300;

/** One for all playouts of a thread, moved to the packets of the one that is at work. */
const buffer = new JitterBuffer({ clockRate: 8000 });

export class Playout implements Place {
  /** With the jitter buffer's usual number of slots. */
  static readonly cells = JitterBuffer.cells();
  /** Where its packets wait: a place itself, so that its buffer is moved to it without a look at anything else. */
  readonly numbers: Float64Array;
  readonly bytes: Uint8Array;
  readonly at: number;
  more: Uint8Array | undefined;
  #options: PlayoutOptions;
  #format: PlayoutFormat;
  #given: JitterStats | undefined;
  #timeScale: TimeScale;
  #noise: ComfortNoiseDecoder | undefined;
  #hasNoise = false;
  /** The sound of a decoder that conceals itself has been faded out. */
  #isFaded = false;
  /** There is a sound that may have to be faded out. */
  #hasHeard = false;

  /** Sound decoded and not yet given out: `[0, #count)`. */
  #pcm = new Int16Array(0);
  #count = 0;
  /** While a frame is made and nothing is stored: a packet that is just as long is decoded where it is wanted. */
  #out: Int16Array | undefined;
  #outAt = 0;
  #isKept = false;
  #frameSamples: number;
  /** Scratch: the end of a sound that something else follows. */
  #fading = new Int16Array(0);
  /** What the last of it is. */
  #latest: FrameSource = 'silence';
  /** All of it is sound as it came. */
  #isWhole = false;
  #rested = 0;
  #refused = 0;
  /** Payloads the decoder could make nothing of. */
  undecodable = 0;

  /** `place`: room for `Playout.cells`; of its own when none is given. */
  constructor(options: PlayoutOptions, place = new JitterBuffer({ clockRate: 8000, ...options.jitter }).place) {
    this.numbers = place.numbers;
    this.bytes = place.bytes;
    this.at = place.at;
    const format = options.formats[0];
    if (format === undefined) throw new OptionError('formats', 'at least one');
    this.#options = options;
    this.#format = format;
    this.#frameSamples = samplesPerFrame(format, options);
    this.#beginBuffer(format.clockRate);
    this.#timeScale = new TimeScale(format.sampleRate);
  }

  /** What all buffers of this playout counted: one is given up after a hold, and for a codec of another clock rate. */
  get counts(): JitterStats {
    return sum(this.#given, this.#buffer().stats);
  }

  /** The rate of the frame that `frame` gave last. */
  get sampleRate(): number {
    return this.#format.sampleRate;
  }

  /** Counters, delay and target; to be read at once. */
  get buffer(): JitterBuffer {
    return this.#buffer();
  }

  #buffer(): JitterBuffer {
    return buffer.moveTo(this);
  }

  /** What offer and answer have agreed anew; what waits is kept where the clock stays the same. */
  configure(options: PlayoutOptions): void {
    const format = options.formats.find(({ payloadType }) => payloadType === this.#format.payloadType) ?? options.formats[0];
    if (format === undefined) throw new OptionError('formats', 'at least one');
    const needsBuffer = format.clockRate !== this.#format.clockRate || options.frameMs !== this.#options.frameMs;
    this.#options = options;
    this.#frameSamples = samplesPerFrame(this.#format, options);
    if (needsBuffer) this.#renewBuffer(format.clockRate);
    this.#use(format);
  }

  /** Takes an accepted packet in: sound, comfort noise and telephone-events alike, for all of them count and take time. */
  put(header: RtpHeader, packet: Uint8Array, now: number): PutOutcome | 'unknown' {
    const { payloadType } = header;
    const format = this.#formatOf(payloadType);
    if (format !== undefined) {
      // RFC 7160: another clock is another count. What waits in the old one is given up.
      if (format.clockRate !== this.#format.clockRate) {
        // At once, not when it is played: else every packet until then would begin a buffer of its own.
        this.#use(format);
        this.#renewBuffer(format.clockRate);
      }
      return this.#buffer().put('audio', header, packet, now);
    }
    const { noisePayloadTypes, eventPayloadTypes, eventClockRate = this.#options.formats[0]!.clockRate } = this.#options;
    if (noisePayloadTypes?.includes(payloadType)) return this.#buffer().put('noise', header, packet, now);
    if (!eventPayloadTypes?.includes(payloadType)) return 'unknown';
    const at = header.payloadOffset;
    const isTimed = header.payloadLength >= 4 && eventClockRate === this.#format.clockRate;
    return this.#buffer().put('event', header, packet, now, isTimed ? (packet[at + 2]! << 8) | packet[at + 3]! : 0);
  }

  /** The sender is another, or has begun anew: its packets follow what waits. */
  restart(): void {
    this.#buffer().restart();
  }

  /** Forgets everything that waits: after a hold. */
  reset(): void {
    this.#renewBuffer(this.#format.clockRate);
    this.#count = 0;
    this.#hasHeard = false;
    this.#format.concealer?.reset();
  }

  /** One frame, at the tick whose time is `now`: `frameMs` of samples at `sampleRate`, into `out[at..]`. `isKept`: it stays there, unchanged, for a quarter of a second at least. */
  frame(now: number, out: Int16Array, at = 0, isKept = false): FrameSource {
    if (this.#count > 0) this.#dropCrumb();
    if (this.#count === 0) this.#out = out;
    this.#outAt = at;
    this.#isKept = isKept;
    const source = this.#assemble(now, out, at);
    this.#out = undefined;
    return source;
  }

  #assemble(now: number, out: Int16Array, at: number): FrameSource {
    let wanted = this.#frameSamples;
    let concealed = 0;
    let other = 0;
    if (this.#latest === 'concealed') concealed = this.#count;
    else if (this.#latest !== 'heard') other = this.#count;
    this.#isWhole = this.#latest === 'heard' || this.#count === 0;
    do {
      while (this.#count < wanted) {
        const before = this.#count;
        if (this.#fill(now, wanted - before) === 'whole') return 'heard';
        wanted = this.#frameSamples;
        if (this.#latest === 'concealed') concealed += this.#count - before;
        else if (this.#latest !== 'heard') other += this.#count - before;
      }
    } while (this.#scale() && this.#count < wanted);
    const pcm = this.#pcm;
    for (let i = 0; i < wanted; i++) out[at + i] = pcm[i]!;
    this.#count -= wanted;
    if (this.#count > 0) pcm.copyWithin(0, wanted, wanted + this.#count);
    if (2 * concealed >= wanted) return 'concealed';
    return 2 * other >= wanted && this.#latest !== 'heard' && this.#latest !== 'concealed' ? this.#latest : 'heard';
  }

  /** What time-scaling left over, less than a millisecond, goes where nobody hears it go: from then on packets are decoded where they are wanted. */
  #dropCrumb(): void {
    const { sampleRate } = this.#format;
    const count = this.#count;
    if (count * 1000 > sampleRate || this.#buffer().adjustMs !== 0) return;
    for (let i = 0; i < count; i++) if (this.#pcm[i]! > QUIET || this.#pcm[i]! < -QUIET) return;
    this.#count = 0;
    this.#buffer().adjusted((-count * 1000) / sampleRate);
  }

  /** In the same place: what the former one counted is kept. */
  #renewBuffer(clockRate: number): void {
    this.#given = this.counts;
    this.#beginBuffer(clockRate);
  }

  #beginBuffer(clockRate: number): void {
    const { jitter, frameMs } = this.#options;
    this.#buffer().begin({ ...jitter, clockRate, frameMs });
  }

  #formatOf(payloadType: number): PlayoutFormat | undefined {
    if (this.#format.payloadType === payloadType) return this.#format;
    const { formats } = this.#options;
    for (let i = 0; i < formats.length; i++) if (formats[i]!.payloadType === payloadType) return formats[i];
    return undefined;
  }

  /** From now on the sound is of this format. */
  #use(format: PlayoutFormat): void {
    if (format === this.#format) return;
    if (format.sampleRate !== this.#format.sampleRate) {
      // What little is decoded is of another rate.
      this.#count = 0;
      this.#timeScale = new TimeScale(format.sampleRate);
      this.#noise = undefined;
      this.#hasNoise = false;
    }
    format.concealer?.reset();
    this.#hasHeard = false;
    this.#format = format;
    this.#frameSamples = samplesPerFrame(format, this.#options);
  }

  /** Asks the jitter buffer once for what comes next, and adds it to the store. `whole`: it was a whole frame, and is where it is wanted. */
  #fill(now: number, missing: number): 'added' | 'whole' {
    const buffer = this.#buffer();
    const take = buffer.take(now, Math.ceil((missing * this.#format.clockRate) / this.#format.sampleRate));
    switch (take) {
      case 'play':
        return this.#decode(buffer);
      case 'noise':
        if (!this.#hasNoise) this.#noise?.reset();
        this.#hasNoise = true;
        this.#noise ??= new ComfortNoiseDecoder(this.#format.sampleRate);
        this.#noise.update(buffer.bytes, buffer.offset, buffer.length);
        break;
      case 'conceal':
        this.#conceal(this.#samplesOf(buffer.ticks));
        break;
      case 'event':
        this.#hasNoise = false;
        this.#pad(this.#samplesOf(buffer.ticks), 'dtmf');
        break;
      case 'silence':
        this.#pad(this.#samplesOf(buffer.ticks), 'silence');
    }
    return 'added';
  }

  #samplesOf(ticks: number): number {
    return Math.max(1, Math.round((ticks * this.#format.sampleRate) / this.#format.clockRate));
  }

  #decode(buffer: JitterBuffer): 'added' | 'whole' {
    const format = this.#formatOf(buffer.payloadType) ?? this.#format;
    if (format !== this.#format) this.#use(format);
    const { decoder, concealer } = format;
    const { bytes, offset, length } = buffer;
    let samples = decoder.samplesIn(bytes, offset, length);
    const out = samples === this.#frameSamples && buffer.adjustMs === 0 && this.#count === 0 ? this.#out : undefined;
    if (out !== undefined) samples = decoder.decode(bytes, offset, length, out, this.#outAt);
    else if (samples * 1000 <= LONGEST_PACKET_MS * format.sampleRate) {
      this.#ensure(samples);
      samples = decoder.decode(bytes, offset, length, this.#pcm, this.#count);
    } else samples = 0;
    if (samples === 0) {
      // No sound in it, though its turn was here.
      this.undecodable++;
      samples = this.#frameSamples;
      buffer.played(Math.round((samples * format.clockRate) / format.sampleRate));
      this.#conceal(samples);
      return 'added';
    }
    buffer.played(Math.round((samples * format.clockRate) / format.sampleRate));
    const [sound, at] = out === undefined ? [this.#pcm, this.#count] : [out, this.#outAt];
    if (concealer !== undefined) concealer.good(sound, samples, at, this.#isKept && out !== undefined);
    else if (this.#isFaded && this.#hasHeard) this.#rampIn(sound, samples, at);
    this.#isFaded = false;
    this.#hasHeard = true;
    this.#latest = 'heard';
    this.#hasNoise = false;
    if (out !== undefined) {
      this.#refused = 0;
      return 'whole';
    }
    this.#count += samples;
    return 'added';
  }

  #conceal(samples: number): void {
    const { decoder, concealer, sampleRate } = this.#format;
    if (concealer !== undefined) {
      this.#ensure(samples);
      concealer.conceal(this.#pcm, samples, this.#count);
    } else if (decoder.conceal !== undefined) {
      // Such decoders make sound in units of 2.5 ms: a little more than asked for rather than a hole.
      const unit = sampleRate / 400;
      samples = Math.ceil(samples / unit) * unit;
      this.#ensure(samples);
      const { bytes, nextOffset, nextLength } = this.#buffer();
      if (nextLength > 0) samples = decoder.conceal(this.#pcm, this.#count, samples, bytes, nextOffset, nextLength);
      else samples = decoder.conceal(this.#pcm, this.#count, samples);
    } else {
      this.#pad(samples, 'silence');
      return;
    }
    this.#count += samples;
    this.#latest = 'concealed';
    this.#isWhole = false;
  }

  /** Silence, or the comfort noise that stands for it. What was heard before fades out over it. */
  #pad(samples: number, source: 'silence' | 'dtmf'): void {
    const { concealer, decoder } = this.#format;
    this.#ensure(samples);
    if (concealer === undefined && decoder.conceal !== undefined && this.#hasHeard && !this.#isFaded) {
      this.#conceal(samples);
      this.#rampOut(Math.min(this.#count, this.#frameSamples));
    } else {
      if (this.#hasNoise && this.#noise !== undefined) this.#noise.generate(this.#pcm, samples, this.#count);
      else this.#pcm.fill(0, this.#count, this.#count + samples);
      if (concealer !== undefined && this.#hasHeard && !concealer.isSilent) this.#addFading(concealer, samples);
      this.#count += samples;
    }
    this.#isFaded = true;
    this.#latest = source;
    this.#isWhole = false;
  }

  /** Adds what is left of the sound to what is to follow it. */
  #addFading(concealer: LossConcealer, samples: number): void {
    if (this.#fading.length < samples) this.#fading = new Int16Array(samples);
    const fading = this.#fading;
    concealer.conceal(fading, samples, 0);
    for (let i = 0; i < samples; i++) {
      const sum = this.#pcm[this.#count + i]! + fading[i]!;
      this.#pcm[this.#count + i] = Math.max(-32768, Math.min(32767, sum));
    }
  }

  /** The sound rises from silence ... */
  #rampIn(sound: Int16Array, samples: number, from: number): void {
    for (let i = 0; i < samples; i++) sound[from + i] = Math.round(sound[from + i]! * this.#rampAt(i, samples));
  }

  /** ... and the last samples of the store fall to it. */
  #rampOut(samples: number): void {
    const from = this.#count - samples;
    for (let i = 0; i < samples; i++) this.#pcm[from + i] = Math.round(this.#pcm[from + i]! * (1 - this.#rampAt(i, samples)));
  }

  /** From 0 to 1 in 10 ms. */
  #rampAt(i: number, samples: number): number {
    return Math.min(1, (i + 0.5) / Math.min(samples, Math.round(this.#format.sampleRate / 100)));
  }

  /** Stretches or shrinks what is stored when the delay should change; whether it did. */
  #scale(): boolean {
    const { adjustMs } = this.#buffer();
    if (adjustMs === 0) {
      this.#refused = 0;
      return false;
    }
    const { sampleRate } = this.#format;
    const isLeftOver = adjustMs < 0 && adjustMs > -LEFT_OVER_MS;
    // Growth is urgent, shrinking is not.
    const restMs = adjustMs > 0 ? 0 : isLeftOver ? LEFT_OVER_REST_MS : REST_MS;
    if (!this.#isWhole || this.#rested < restMs) {
      this.#rested += this.#options.frameMs;
      return false;
    }
    const most = Math.floor((Math.abs(adjustMs) * sampleRate) / 1000);
    const leastLikeness = isLeftOver ? LIKENESS : Math.max(-1, LIKENESS - LIKENESS_FALL * this.#refused);
    if (adjustMs > 0) this.#ensure(this.#count);
    const changed =
      adjustMs > 0
        ? this.#timeScale.stretch(this.#pcm, this.#count, most, leastLikeness)
        : -this.#timeScale.shrink(this.#pcm, this.#count, most, leastLikeness);
    if (changed === 0) {
      // What is too little alike now may be so again: `#refused` stands until the delay is right.
      this.#refused++;
      if (isLeftOver) this.#rested = 0;
      return false;
    }
    this.#rested = 0;
    this.#count += changed;
    this.#buffer().adjusted((changed * 1000) / sampleRate);
    return true;
  }

  /** Room for so many samples more in the store. */
  #ensure(samples: number): void {
    const needed = this.#count + samples;
    if (needed <= this.#pcm.length) return;
    const wider = new Int16Array(Math.ceil(needed / 64) * 64);
    wider.set(this.#pcm);
    this.#pcm = wider;
  }
}

function samplesPerFrame({ sampleRate }: PlayoutFormat, { frameMs }: PlayoutOptions): number {
  return Math.round((sampleRate * frameMs) / 1000);
}

function sum(a: JitterStats | undefined, b: JitterStats): JitterStats {
  if (a === undefined) return b;
  return {
    received: a.received + b.received,
    played: a.played + b.played,
    late: a.late + b.late,
    duplicates: a.duplicates + b.duplicates,
    overflowed: a.overflowed + b.overflowed,
    strays: a.strays + b.strays,
    missing: a.missing + b.missing,
    concealedMs: a.concealedMs + b.concealedMs,
    stretchedMs: a.stretchedMs + b.stretchedMs,
    shrunkMs: a.shrunkMs + b.shrunkMs,
    longestGapMs: Math.max(a.longestGapMs, b.longestGapMs),
  };
}
