/**
 * One stream's way in, from the playout of the jitter buffer to the application's ring: one frame a turn, at the bot's rate and length,
 * whatever the peer's codec and packets are or become.
 */
import type { CodecName } from '../codec/codec.js';
import { Concealer } from '../codec/concealment.js';
import { decoder } from '../codec/registry.js';
import { Resampler } from '../codec/resample.js';
import { ToneDetector, type ToneListener } from '../codec/tone-detector.js';
import { CONCEALED, DTMF, type FrameRingWriter, HEARD, SILENCE } from './frame-ring.js';
import { type Level, measure } from './level.js';
import { Turn } from './media-clock.js';
import { type FrameSource, Playout, type PlayoutFormat } from './playout.js';
import { codecOptions, type PayloadFormat, type StreamParameters } from './stream-parameters.js';

const MOST_SAMPLES = 3200;

const decoded = new Int16Array(MOST_SAMPLES);

const CODE: Readonly<Record<FrameSource, number>> = { heard: HEARD, concealed: CONCEALED, silence: SILENCE, dtmf: DTMF };

interface KnownFormat {
  readonly format: PayloadFormat;
  readonly playout: PlayoutFormat;
}

export interface InboundOptions {
  readonly sampleRate: number;
  readonly frameMs: number;
  readonly ring: FrameRingWriter;
  /** Once a turn, before the frame is made. */
  readonly onTurn: (now: number) => void;
  /** A frame is in the ring. */
  readonly onFrame: () => void;
  readonly onFailed: (error: Error) => void;
}

export class Inbound extends Turn {
  readonly kind = 'arrival';
  /** False: no frames, and what comes is not kept. */
  receiving = false;
  /** Keys heard in the audio; asked only where telephone-event was not agreed. */
  keys: ToneListener | undefined;
  heardMs = 0;
  concealedMs = 0;
  silenceMs = 0;
  readonly level: Level = { energy: 0, samples: 0, clipped: 0 };
  playout: Playout | undefined;
  readonly #options: InboundOptions;
  readonly #frameSamples: number;
  #known: KnownFormat[] = [];
  #resampler: Resampler | undefined;
  #resamplerRate = 0;
  /** Resampled and not yet a whole frame: a sample or two, where rates do not divide. */
  readonly #waiting: Int16Array;
  #waitingCount = 0;
  #timeMs = 0;
  #detector: ToneDetector | undefined;

  constructor(options: InboundOptions) {
    super();
    this.#options = options;
    this.#frameSamples = (options.sampleRate / 1000) * options.frameMs;
    this.#waiting = new Int16Array(this.#frameSamples + 64);
  }

  get clockRate(): number {
    return this.#known[0]?.playout.clockRate ?? 8000;
  }

  get codec(): CodecName | 'unknown' {
    return this.#known[0]?.format.codec ?? 'unknown';
  }

  clockRateOf(payloadType: number): number {
    for (let i = 0; i < this.#known.length; i++)
      if (this.#known[i]!.playout.payloadType === payloadType) return this.#known[i]!.playout.clockRate;
    return this.clockRate;
  }

  use(parameters: StreamParameters): void {
    const before = this.#known;
    this.#known = parameters.accept.map(
      (format) => before.find((known) => isSame(known.format, format)) ?? makeFormat(format, this.#options.sampleRate),
    );
    for (const known of before) if (!this.#known.includes(known)) known.playout.decoder.close();
    const options = {
      frameMs: this.#options.frameMs,
      formats: this.#known.map((known) => known.playout),
      eventPayloadTypes: parameters.telephoneEvent?.receivePayloadTypes ?? [],
      noisePayloadTypes: parameters.comfortNoise?.receivePayloadTypes ?? [],
      ...(parameters.telephoneEvent === undefined ? {} : { eventClockRate: parameters.telephoneEvent.clockRate }),
    };
    if (this.playout === undefined) this.playout = new Playout(options);
    else this.playout.configure(options);
    if (this.receiving && !parameters.receive) this.playout.reset();
    this.receiving = parameters.receive;
  }

  skip(turns: number): void {
    this.#timeMs += turns * this.#options.frameMs;
  }

  take(now: number): void {
    this.#options.onTurn(now);
    if (this.receiving && this.playout !== undefined) this.#frame(this.playout, now);
    this.#timeMs += this.#options.frameMs;
  }

  fail(error: Error): void {
    this.#options.onFailed(error);
  }

  close(): void {
    this.receiving = false;
    for (const known of this.#known) known.playout.decoder.close();
    this.#known = [];
  }

  #frame(playout: Playout, now: number): void {
    const { ring, frameMs, sampleRate, onFrame } = this.#options;
    const source = playout.frame(now, decoded);
    const rate = playout.sampleRate;
    const count = (rate / 1000) * frameMs;
    if (source === 'heard') this.heardMs += frameMs;
    else if (source === 'concealed') this.concealedMs += frameMs;
    else this.silenceMs += frameMs;
    if (this.keys !== undefined) this.#listen(this.keys, count, rate);
    if (rate === sampleRate) {
      measure(this.level, decoded, count);
      ring.write(decoded, 0, CODE[source], this.#timeMs);
    } else {
      this.#resample(count, rate);
      measure(this.level, this.#waiting, this.#frameSamples);
      ring.write(this.#waiting, 0, CODE[source], this.#timeMs);
      this.#waitingCount -= this.#frameSamples;
      if (this.#waitingCount > 0) this.#waiting.copyWithin(0, this.#frameSamples, this.#frameSamples + this.#waitingCount);
    }
    onFrame();
  }

  #listen(keys: ToneListener, count: number, rate: number): void {
    if (this.#detector?.sampleRate !== rate) this.#detector = new ToneDetector(rate, keys);
    this.#detector.process(decoded, count);
  }

  /** A whole frame at least in `#waiting`. */
  #resample(count: number, rate: number): void {
    if (this.#resamplerRate !== rate) {
      this.#resampler = new Resampler(rate, this.#options.sampleRate);
      this.#resamplerRate = rate;
      this.#waitingCount = 0;
    }
    const waiting = this.#waiting;
    // The ratio may give a sample more now and one less later; what would not fit is more than ever waits.
    if (this.#waitingCount > 32) this.#waitingCount = 32;
    this.#waitingCount += this.#resampler!.process(decoded, count, waiting, this.#waitingCount);
    while (this.#waitingCount < this.#frameSamples) {
      waiting[this.#waitingCount] = this.#waitingCount > 0 ? waiting[this.#waitingCount - 1]! : 0;
      this.#waitingCount++;
    }
  }
}

function isSame(a: PayloadFormat, b: PayloadFormat): boolean {
  return a.payloadType === b.payloadType && a.codec === b.codec && a.sampleRate === b.sampleRate && a.channels === b.channels;
}

function makeFormat(format: PayloadFormat, sampleRate: number): KnownFormat {
  const of = decoder(format.codec, codecOptions(format, sampleRate));
  return {
    format,
    playout: {
      payloadType: format.payloadType,
      clockRate: of.clockRate,
      sampleRate: of.sampleRate,
      decoder: of,
      concealer: of.conceal === undefined ? new Concealer(of.sampleRate) : undefined,
    },
  };
}
