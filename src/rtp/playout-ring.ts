/**
 * What the bot says, on its way to the media thread, and the ledger of it: written, played, cleared, dropped, per mark; in samples.
 *
 * One writer (the application's thread), one reader (the media thread). Positions count samples since the call began and live in shared
 * memory as 32-bit integers that may wrap; differences are always smaller than 2^31. The reader copies first and then moves READ by
 * compare-and-swap; `clear()` moves READ to WRITE the same way. Exactly one of the two wins, so `clear()` knows to the sample what had
 * been taken.
 *
 * The samples lie in a segment: a power-of-two ring. When one is full the writer opens a larger one at the present position and seals
 * the old one there; the reader goes over when it reaches the seal. So a minute of audio can be written at once and plays on while the
 * application's thread is blocked, and a call that never does this costs a quarter of a second of memory.
 */
import { SipBotError } from '../errors.js';
import {
  DROPPED,
  firstSegmentSamples,
  GAIN,
  type PlayoutSegment,
  powerOfTwo,
  READ,
  SEALS,
  Segment,
  segmentBytes,
  UNITY,
  WATCH,
  WATCHING,
  WRITE,
} from './playout-memory.js';
import type { SharedViews } from './shared-views.js';

export interface PlayoutRingOptions {
  readonly sampleRate: number;
  readonly maxQueueMs: number;
  /** Hands a further segment to the reader's thread. */
  readonly extend: (segment: PlayoutSegment) => void;
}

interface Mark {
  readonly name: string;
  position: number;
}

interface Drain {
  position: number;
  readonly resolve: () => void;
}

export interface Cleared {
  /** Ever taken by the media thread. */
  readonly playedSamples: number;
  readonly clearedSamples: number;
  /** What was kept lies so much further on now: positions at or before the cut have moved by it. */
  readonly movedBy: number;
}

/** The application's end. */
export class PlayoutRing {
  /** Every mark once, in the order in which they were set. */
  onMark: ((name: string, outcome: 'sent' | 'cleared') => void) | undefined;
  /** Past this many queued samples `write` says false. */
  highWaterSamples: number;
  readonly #words: Int32Array;
  /** Where the control words begin. */
  readonly #control: number;
  readonly #maxQueueSamples: number;
  readonly #sampleRate: number;
  readonly #extend: (segment: PlayoutSegment) => void;
  #segment: Segment;
  /** Sealed segments that may still hold what was not taken, oldest first: only `clear` looks back at them. */
  #sealed: Segment[] = [];
  readonly #firstSamples: number;
  readonly #origin: number;
  #written = 0;
  #cleared = 0;
  /** Written a second time, because what lay behind it was cleared: in both counts above, and in neither of those that are told. */
  #rewritten = 0;
  readonly #marks: Mark[] = [];
  readonly #drains: Drain[] = [];
  /** There are some: asked at every wake-up, and the arrays themselves would be cold. */
  #isAwaited = false;
  #ended = false;

  constructor(views: SharedViews, controlOffset: number, first: PlayoutSegment, options: PlayoutRingOptions) {
    this.#words = views.words;
    this.#control = controlOffset / 4;
    this.#segment = new Segment(first, views);
    this.#firstSamples = first.capacity;
    this.#origin = first.start;
    Atomics.store(this.#words, this.#control + READ, first.start);
    Atomics.store(this.#words, this.#control + WRITE, first.start);
    Atomics.store(this.#words, this.#control + GAIN, UNITY);
    this.#sampleRate = options.sampleRate;
    this.#maxQueueSamples = (options.sampleRate / 1000) * options.maxQueueMs;
    this.#extend = options.extend;
    this.highWaterSamples = options.sampleRate;
  }

  get sampleRate(): number {
    return this.#sampleRate;
  }

  /** How loud it leaves, 0 to 1: of all that is taken from now on, whatever was written when. */
  set gain(gain: number) {
    Atomics.store(this.#words, this.#control + GAIN, Math.round(Math.min(Math.max(gain, 0), 1) * UNITY));
  }

  get writtenSamples(): number {
    return this.#written - this.#rewritten;
  }

  /** The present end of what was written, as `clear` takes it. */
  get position(): number {
    return this.#written;
  }

  get queuedSamples(): number {
    return (this.#position() - Atomics.load(this.#words, this.#control + READ)) | 0;
  }

  /** Really taken for the wire. */
  get playedSamples(): number {
    return this.#written - this.queuedSamples - this.#cleared;
  }

  get clearedSamples(): number {
    return this.#cleared - this.#rewritten;
  }

  /** Of those played: the ones the socket would not have. */
  get droppedSamples(): number {
    return Atomics.load(this.#words, this.#control + DROPPED);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** False past the high-water mark, but taken all the same; throws, and takes nothing, when the queue would pass `maxQueueMs`. */
  write(samples: Int16Array, from = 0, to = samples.length): boolean {
    if (this.#ended) throw new SipBotError('ERR_CALL_ENDED', 'the call has ended: nothing can be played any more');
    const count = to - from;
    const queued = this.queuedSamples;
    if (queued + count > this.#maxQueueSamples)
      throw new SipBotError(
        'ERR_QUEUE_FULL',
        `${Math.round((queued / this.#sampleRate) * 1000)} ms are queued already; with ${Math.round((count / this.#sampleRate) * 1000)} ms more it would be over maxQueueMs`,
      );
    if (count <= 0) return queued <= this.highWaterSamples;
    if (this.#free() < count || (queued === 0 && this.#isOversized(count))) this.#open(count);
    const { samples: ring, start, mask, first } = this.#segment;
    const at = (this.#position() - start) & mask;
    // A whole array that does not go round the end is copied by the machine: a third of the time.
    if (count === samples.length && at + count <= mask + 1) ring.set(samples, first + at);
    else for (let i = 0; i < count; i++) ring[first + ((at + i) & mask)] = samples[from + i]!;
    this.#written += count;
    Atomics.store(this.#words, this.#control + WRITE, this.#position());
    return queued + count <= this.highWaterSamples;
  }

  /**
   * Takes back what the media thread has not taken yet; what it has is played. With `from`, a `position`, what was written before it is kept,
   * marks included: it is written anew, out of our own memory, which nobody overwrites but ourselves.
   */
  clear(from = 0): Cleared {
    const words = this.#words;
    const at = this.#control + READ;
    const end = this.#position();
    let read = Atomics.load(words, at);
    for (;;) {
      const seen = Atomics.compareExchange(words, at, read, end);
      if (seen === read) break;
      read = seen;
    }
    const before = this.#written;
    const taken = before - ((end - read) | 0);
    const cut = Math.min(Math.max(from, taken), before);
    this.#settle(taken);
    this.#cleared += before - taken;
    const gone = this.#marks.splice(this.#marks.findLastIndex((mark) => cut > taken && mark.position <= cut) + 1);
    const movedBy = cut > taken ? before - taken : 0;
    if (movedBy > 0) this.#keep(taken, cut, movedBy);
    else this.#settleDrains(before);
    for (const mark of gone) this.onMark?.(mark.name, 'cleared');
    this.#watch();
    return { playedSamples: this.playedSamples, clearedSamples: before - cut, movedBy };
  }

  /** Names the present end of what was written. */
  mark(name: string): void {
    this.#marks.push({ name, position: this.#written });
    this.#isAwaited = true;
    this.#watch();
    if (this.#passed() >= this.#written) queueMicrotask(() => this.settle()); // Nothing before it: sent already; but not from within this call.
  }

  /** Resolves when all that was written until now was sent or cleared, or the call has ended. */
  drained(): Promise<void> {
    if (this.queuedSamples <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drains.push({ position: this.#written, resolve });
      this.#isAwaited = true;
      this.#watch();
      this.settle();
    });
  }

  /** The reader passed something: says which marks were sent. Called at every wake-up; cheap when nothing is awaited. */
  settle(): void {
    if (!this.#isAwaited) return;
    this.#settle(this.#passed());
    this.#watch();
    this.#isAwaited = this.#marks.length > 0 || this.#drains.length > 0;
  }

  /** The call is over: what is queued is cleared, marks and waits end. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.clear();
  }

  /** Writes what lay between two positions once more, and moves along what is awaited in it. */
  #keep(from: number, to: number, by: number): void {
    const kept = this.#copy(from, to);
    this.#rewritten += kept.length;
    this.write(kept);
    for (const mark of this.#marks) mark.position += by;
    for (const drain of this.#drains) drain.position = Math.min(drain.position, to) + by;
  }

  #copy(from: number, to: number): Int16Array {
    const out = new Int16Array(to - from);
    for (const segment of [...this.#sealed, this.#segment]) {
      // Where it begins and ends, counted from `from`: positions wrap, distances do not.
      const begin = Math.max(0, (segment.start - this.#origin - from) | 0);
      const end = segment.isSealed ? (segment.sealedAt - this.#origin - from) | 0 : out.length;
      const at = (this.#origin + from - segment.start) | 0;
      for (let i = begin; i < Math.min(end, out.length); i++) out[i] = segment.samples[segment.first + ((at + i) & segment.mask)]!;
    }
    return out;
  }

  /** The 32-bit position of the end of what was written. */
  #position(): number {
    return (this.#origin + this.#written) | 0;
  }

  /** How far the reader is, cleared samples included. */
  #passed(): number {
    return this.#written - this.queuedSamples;
  }

  #settle(passed: number): void {
    let sent = 0;
    while (sent < this.#marks.length && this.#marks[sent]!.position <= passed) sent++;
    if (sent > 0) for (const mark of this.#marks.splice(0, sent)) this.onMark?.(mark.name, 'sent');
    this.#settleDrains(passed);
  }

  #settleDrains(passed: number): void {
    while (this.#drains.length > 0 && this.#drains[0]!.position <= passed) this.#drains.shift()!.resolve();
  }

  /** Asks to be woken at the first position that someone waits for. */
  #watch(): void {
    const position = Math.min(this.#marks[0]?.position ?? Number.POSITIVE_INFINITY, this.#drains[0]?.position ?? Number.POSITIVE_INFINITY);
    if (position === Number.POSITIVE_INFINITY) return;
    Atomics.store(this.#words, this.#control + WATCHING, 0);
    Atomics.store(this.#words, this.#control + WATCH, (this.#origin + position) | 0);
    Atomics.store(this.#words, this.#control + WATCHING, 1);
    // Passed while we armed it: the reader did not see the watch, so we look ourselves.
    if (this.#passed() >= position) queueMicrotask(() => this.settle());
  }

  /** Room in the open segment. What still lies in earlier ones takes none of it. */
  #free(): number {
    const { start, mask } = this.#segment;
    const read = Atomics.load(this.#words, this.#control + READ);
    const from = ((read - start) | 0) > 0 ? read : start;
    return mask + 1 - ((this.#position() - from) | 0);
  }

  /** Seals the open segment here and goes on in a new one: larger when the queue grows, small again when all was taken. */
  #open(count: number): void {
    const capacity = Math.max(
      powerOfTwo(count),
      this.queuedSamples > 0
        ? Math.min(4 * (this.#segment.mask + 1), powerOfTwo(this.#maxQueueSamples))
        : firstSegmentSamples(this.#sampleRate),
    );
    const memory = new SharedArrayBuffer(segmentBytes(capacity));
    const description: PlayoutSegment = { memory, offset: 0, capacity, start: this.#position() };
    this.#extend(description);
    this.#segment.sealAt(this.#position());
    Atomics.add(this.#words, this.#control + SEALS, 1);
    const read = Atomics.load(this.#words, this.#control + READ);
    this.#sealed = [...this.#sealed, this.#segment].filter((segment) => ((segment.sealedAt - read) | 0) > 0);
    this.#segment = new Segment(description);
  }

  /** A long prompt is over: what now comes would fit into a quarter of this. */
  #isOversized(count: number): boolean {
    const quarter = (this.#segment.mask + 1) >> 2;
    return quarter > this.#firstSamples && quarter > powerOfTwo(count);
  }
}
