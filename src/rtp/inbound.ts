/**
 * One stream's way in, from the playout of the jitter buffer to the application's ring: one frame a turn, at the bot's rate and length,
 * whatever the peer's codec and packets are or become.
 */
import type { CodecName } from '../codec/codec.js';
import { Concealer } from '../codec/concealment.js';
import { decoder } from '../codec/registry.js';
import { Resampler } from '../codec/resample.js';
import { ToneDetector, type ToneListener } from '../codec/tone-detector.js';
import { cellsOf, ownPlace, type Place } from './cells.js';
import { CONCEALED, DTMF, type FrameRingWriter, HEARD, SILENCE } from './frame-ring.js';
import { measure, takeLevelDbov } from './level.js';
import { Turn } from './media-clock.js';
import { type FrameSource, Playout, type PlayoutFormat } from './playout.js';
import { codecOptions, type PayloadFormat, type StreamParameters } from './stream-parameters.js';

const MOST_SAMPLES = 3200;

const WORK_EVERY_MS = 100;

/** More than ever waits: rounding adds a sample at most. */
const MOST_WAITING = 32;

const decoded = new Int16Array(MOST_SAMPLES);

const CODE: Readonly<Record<FrameSource, number>> = { heard: HEARD, concealed: CONCEALED, silence: SILENCE, dtmf: DTMF };

const State = cellsOf(
  'workAt',
  'timeMs',
  'heardMs',
  'concealedMs',
  'silenceMs',
  // The level of what is heard.
  'energy',
  'samples',
  'clipped',
);

/** One for all streams of a thread, moved to the numbers of the one that has its turn. */
const state = new State(ownPlace(State.size));

interface KnownFormat {
  readonly format: PayloadFormat;
  readonly playout: PlayoutFormat;
}

export interface InboundOptions {
  readonly sampleRate: number;
  readonly frameMs: number;
  readonly ring: FrameRingWriter;
  /** Room for `Inbound.cells`, `from` numbers behind its beginning, ... */
  readonly place: Place;
  readonly from: number;
  /** ... and for `Playout.cells`. */
  readonly playoutPlace: Place;
  /** Ten times a second, before the frame is made: what is due beside the audio. */
  readonly onWork: (now: number) => void;
  /** A frame is in the ring. */
  readonly onFrame: () => void;
  readonly onFailed: (error: Error) => void;
}

export class Inbound extends Turn {
  static readonly cells = State.size;
  readonly kind = 'arrival';
  /** False: no frames, and what comes is not kept. */
  receiving = false;
  /** Keys heard in the audio; asked only where telephone-event was not agreed. */
  keys: ToneListener | undefined;
  playout: Playout | undefined;
  /** A key sounds or is awaited: every turn is looked at, not only each so often. */
  isBusy = false;
  readonly #numbers: Float64Array;
  readonly #at: number;
  readonly #ring: FrameRingWriter;
  readonly #frameMs: number;
  readonly #onFrame: () => void;
  readonly #options: InboundOptions;
  readonly #frameSamples: number;
  #known: KnownFormat[] = [];
  #resampler: Resampler | undefined;
  #resamplerRate = 0;
  #isAtOurRate = false;
  /** Resampled and not yet a whole frame: a sample or two, where rates do not divide. */
  #waiting = new Int16Array(0);
  #waitingCount = 0;
  #detector: ToneDetector | undefined;

  constructor(options: InboundOptions) {
    super();
    this.#options = options;
    this.#ring = options.ring;
    this.#frameMs = options.frameMs;
    this.#onFrame = options.onFrame;
    this.#frameSamples = (options.sampleRate / 1000) * options.frameMs;
    this.#numbers = options.place.numbers;
    this.#at = options.place.at + options.from;
    this.#s().clear();
  }

  /** To be used at once: whatever calls out may move it. */
  #s(): typeof state {
    state.numbers = this.#numbers;
    state.at = this.#at;
    return state;
  }

  /** What is counted; to be read at once. */
  get figures(): Readonly<typeof state> {
    return this.#s();
  }

  /** How loud it was since it was last asked. */
  takeLevelDbov(): number {
    return takeLevelDbov(this.#s());
  }

  get clockRate(): number {
    return this.#known[0]?.playout.clockRate ?? 8000;
  }

  get codec(): CodecName | 'unknown' {
    return this.#known[0]?.format.codec ?? 'unknown';
  }

  use(parameters: StreamParameters): void {
    const before = this.#known;
    this.#known = parameters.accept.map(
      (format) => before.find((known) => isSame(known.format, format)) ?? makeFormat(format, this.#options.sampleRate),
    );
    for (const known of before) if (!this.#known.includes(known)) known.playout.decoder.close();
    this.#isAtOurRate = this.#known.every((known) => known.playout.sampleRate === this.#options.sampleRate);
    if (this.#known.some((known) => known.playout.sampleRate % 8000 !== 0) && this.#waiting.length === 0)
      this.#waiting = new Int16Array(this.#frameSamples + 2 * MOST_WAITING);
    const options = {
      frameMs: this.#options.frameMs,
      formats: this.#known.map((known) => known.playout),
      eventPayloadTypes: parameters.telephoneEvent?.receivePayloadTypes ?? [],
      noisePayloadTypes: parameters.comfortNoise?.receivePayloadTypes ?? [],
      ...(parameters.telephoneEvent === undefined ? {} : { eventClockRate: parameters.telephoneEvent.clockRate }),
    };
    if (this.playout === undefined) this.playout = new Playout(options, this.#options.playoutPlace);
    else this.playout.configure(options);
    if (this.receiving && !parameters.receive) this.playout.reset();
    this.receiving = parameters.receive;
  }

  skip(turns: number): void {
    this.#s().timeMs += turns * this.#frameMs;
  }

  take(now: number): void {
    const s = this.#s();
    if (now >= s.workAt || this.isBusy) {
      s.workAt = now + WORK_EVERY_MS;
      this.#options.onWork(now);
    }
    if (this.receiving && this.playout !== undefined) this.#frame(this.playout, now);
    this.#s().timeMs += this.#frameMs;
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
    const ring = this.#ring;
    const frameMs = this.#frameMs;
    const at = ring.begin();
    const source = this.#isAtOurRate ? this.#make(playout, now, at) : this.#convert(playout, now, at);
    const s = this.#s();
    measure(s, ring.samples, this.#frameSamples, at);
    ring.commit(CODE[source], s.timeMs);
    if (source === 'heard') s.heardMs += frameMs;
    else if (source === 'concealed') s.concealedMs += frameMs;
    else s.silenceMs += frameMs;
    this.#onFrame();
  }

  /** Whatever the payload type, the bot's rate comes out: the frame is made where it will lie. */
  #make(playout: Playout, now: number, at: number): FrameSource {
    const { samples } = this.#ring;
    const source = playout.frame(now, samples, at, true);
    if (this.keys !== undefined) this.#listen(this.keys, samples, this.#frameSamples, at, this.#options.sampleRate);
    return source;
  }

  #convert(playout: Playout, now: number, at: number): FrameSource {
    const { ring, frameMs, sampleRate } = this.#options;
    const source = playout.frame(now, decoded);
    const rate = playout.sampleRate;
    const count = (rate / 1000) * frameMs;
    if (this.keys !== undefined) this.#listen(this.keys, decoded, count, 0, rate);
    if (rate === sampleRate) {
      for (let i = 0; i < count; i++) ring.samples[at + i] = decoded[i]!;
      return source;
    }
    if (this.#resamplerRate !== rate) {
      this.#resampler = new Resampler(rate, sampleRate);
      this.#resamplerRate = rate;
      this.#waitingCount = 0;
    }
    // 10 ms of each of our rates is a whole number of samples at any other; of 44.1 kHz it is not always.
    if (rate % 8000 === 0) this.#resampler!.process(decoded, count, ring.samples, at);
    else this.#gather(this.#resampler!, count, ring.samples, at);
    return source;
  }

  #listen(keys: ToneListener, samples: Int16Array, count: number, at: number, rate: number): void {
    if (this.#detector?.sampleRate !== rate) this.#detector = new ToneDetector(rate, keys);
    this.#detector.process(samples, count, at);
  }

  /** A frame, where the resampler gives a sample more now and one less later. */
  #gather(resampler: Resampler, count: number, out: Int16Array, at: number): void {
    const waiting = this.#waiting;
    const wanted = this.#frameSamples;
    let have = this.#waitingCount + resampler.process(decoded, count, waiting, this.#waitingCount);
    while (have < wanted) {
      waiting[have] = have > 0 ? waiting[have - 1]! : 0;
      have++;
    }
    for (let i = 0; i < wanted; i++) out[at + i] = waiting[i]!;
    waiting.copyWithin(0, wanted, have);
    this.#waitingCount = Math.min(have - wanted, MOST_WAITING);
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
