/**
 * `call.audio`: what the caller says, frame by frame, and what the bot says back, with the truth about how much of it was heard.
 * Consumers read from the media thread's ring, each with a cursor of its own; writes go to the playout ring, whose ledger we pass on.
 */
import { OptionError, SipBotError } from '../errors.js';
import type { FrameCursor, FrameRing } from '../rtp/frame-ring.js';
import type { FrameSource } from '../rtp/playout.js';
import type { PlayoutRing } from '../rtp/playout-ring.js';
import { MarkEvents, type MarkOutcome } from './mark-events.js';
import { type PcmChunk, PcmInput } from './pcm-input.js';
import { PlayLane } from './play-lane.js';
import { RingMarks } from './ring-marks.js';
import { isThenable } from './safe-emitter.js';
import { Utterance } from './utterance.js';

export interface AudioFrame {
  /** The consumer's own, unless it borrows: then the media thread's memory, for reading, and for this turn only. */
  readonly samples: Int16Array;
  /** Media time of its first sample, since the call's media began. */
  readonly timeMs: number;
  readonly source: FrameSource;
  /** What this consumer lost just before, by being more than a second late. */
  readonly droppedMs: number;
}

export interface FrameOptions {
  /** Where to begin: with the next frame, or with the first (as far as it is still held: a second). @default 'now' */
  readonly from?: 'now' | 'answer';
  /** Lend the shared memory instead of a copy. @default false */
  readonly borrow?: boolean;
}

export interface AudioCleared {
  /** Really sent of what the bot was saying: since it was last cleared, or silent for a second. */
  readonly playedMs: number;
  /** What this clear took back. */
  readonly droppedMs: number;
}

/** What of a media stream lies behind `call.audio`. */
export interface AudioLine {
  readonly incoming: FrameRing;
  readonly outgoing: PlayoutRing;
  readonly background: PlayoutRing;
}

export interface CallAudioEvents {
  frame: [frame: AudioFrame];
  /** In the order in which they were set. */
  mark: [mark: MarkOutcome];
}

/** Past it `write` says false. */
const HIGH_WATER_MS = 1000;

type FrameListener = (frame: AudioFrame) => unknown;

interface PushConsumer {
  readonly listener: FrameListener;
  readonly borrows: boolean;
  readonly isOnce: boolean;
  cursor: FrameCursor | undefined;
  isGone: boolean;
}

export class CallAudio {
  readonly sampleRate: number;
  readonly frameMs: number;
  /** @internal: sounds, and what was written before there was media or behind a sound. */
  readonly lane: PlayLane;
  readonly #maxQueueMs: number;
  readonly #onThrown: (error: unknown) => void;
  readonly #input: PcmInput;
  /** Made for the first who wants to hear of marks. */
  #events: MarkEvents | undefined;
  readonly #utterance: Utterance;
  /** The first of those who listen, and the others: most calls have one, and an array more is a trip to memory more for each frame. */
  #first: PushConsumer | undefined;
  #others: readonly PushConsumer[] = [];
  readonly #waiting = new Set<() => void>();
  #isAwaited = false;
  readonly #drains: (() => void)[] = [];
  /** What is written is not simply samples at our rate, or was not: the input remembers some of it. */
  #isConverting = false;
  #line: AudioLine | undefined;
  #marks: RingMarks | undefined;
  #isEnded = false;
  #playedAtEnd = 0;

  /** @internal: calls make their own. `onThrown` hears of listeners that throw. */
  constructor(options: {
    readonly sampleRate: number;
    readonly frameMs: number;
    readonly maxQueueMs?: number;
    readonly onThrown: (error: unknown) => void;
  }) {
    this.sampleRate = options.sampleRate;
    this.frameMs = options.frameMs;
    this.#maxQueueMs = options.maxQueueMs ?? 60_000;
    this.#onThrown = options.onThrown;
    this.#input = new PcmInput(options.sampleRate);
    this.#utterance = new Utterance(options.sampleRate);
    this.lane = new PlayLane(options.sampleRate, (samples) => this.#onWrite(samples));
  }

  // ── What the caller says ──────────────────────────────────────────────────────────────────────────────────────────────────────

  [Symbol.asyncIterator](): AsyncIterableIterator<AudioFrame> {
    return this.frames();
  }

  /** A consumer of its own; leaving the loop detaches it alone. */
  frames(options: FrameOptions = {}): AsyncIterableIterator<AudioFrame> {
    let cursor = this.#line === undefined ? undefined : this.#cursor(this.#line, options);
    let isDone = false;
    let wake: (() => void) | undefined;
    const attach = (): FrameCursor | undefined => {
      cursor ??= this.#line === undefined ? undefined : this.#cursor(this.#line, { ...options, from: 'answer' });
      return cursor;
    };
    const finish = (): IteratorResult<AudioFrame> => {
      isDone = true;
      if (wake !== undefined) this.#waiting.delete(wake);
      wake?.();
      return { done: true, value: undefined };
    };
    const next = async (): Promise<IteratorResult<AudioFrame>> => {
      for (;;) {
        if (isDone) return { done: true, value: undefined };
        const frame = this.#take(attach(), options.borrow === true);
        if (frame !== undefined) return { done: false, value: frame };
        if (this.#isEnded) return finish();
        await new Promise<void>((resolve) => {
          wake = resolve;
          this.#wait(resolve);
        });
        wake = undefined;
      }
    };
    return {
      next,
      return: async () => finish(),
      throw: async (error: unknown) => {
        finish();
        throw error;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** A Web Stream of frames: a new consumer each time it is asked for. */
  get readable(): ReadableStream<AudioFrame> {
    const frames = this.frames();
    return new ReadableStream<AudioFrame>(
      {
        pull: async (controller) => {
          const { done, value } = await frames.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
        cancel: async () => {
          await frames.return?.();
        },
      },
      { highWaterMark: 0 },
    );
  }

  on(event: 'frame', listener: (frame: AudioFrame) => unknown, options?: FrameOptions): this;
  on(event: 'mark', listener: (mark: MarkOutcome) => unknown): this;
  on(
    event: keyof CallAudioEvents,
    listener: ((frame: AudioFrame) => unknown) | ((mark: MarkOutcome) => unknown),
    options: FrameOptions = {},
  ): this {
    if (event === 'frame') this.#addPush(listener as FrameListener, options, false);
    else this.#markEvents().on('mark', listener as (mark: MarkOutcome) => void);
    return this;
  }

  once(event: 'frame', listener: (frame: AudioFrame) => unknown, options?: FrameOptions): this;
  once(event: 'mark', listener: (mark: MarkOutcome) => unknown): this;
  once(
    event: keyof CallAudioEvents,
    listener: ((frame: AudioFrame) => unknown) | ((mark: MarkOutcome) => unknown),
    options: FrameOptions = {},
  ): this {
    if (event === 'frame') this.#addPush(listener as FrameListener, options, true);
    else this.#markEvents().once('mark', listener as (mark: MarkOutcome) => void);
    return this;
  }

  off(event: 'frame', listener: (frame: AudioFrame) => unknown): this;
  off(event: 'mark', listener: (mark: MarkOutcome) => unknown): this;
  off(event: keyof CallAudioEvents, listener: ((frame: AudioFrame) => unknown) | ((mark: MarkOutcome) => unknown)): this {
    if (event === 'frame') {
      const consumer = [this.#first, ...this.#others].find((one) => one?.listener === listener);
      if (consumer !== undefined) this.#removePush(consumer);
    } else {
      this.#events?.off('mark', listener as (mark: MarkOutcome) => void);
    }
    return this;
  }

  // ── What the bot says ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Queues audio behind what was written before. False past the high-water mark (a second), but taken all the same up to the longest
   * queue (60 s), past which it throws ERR_QUEUE_FULL and takes nothing. Before the call has media it waits for it. After the end it is
   * false and nothing is taken: a caller who hangs up while a bot speaks is no mistake of the bot's.
   */
  write(samples: PcmChunk, options: { readonly sampleRate?: number } = {}): boolean {
    if (this.#isOver()) return false;
    const fromRate = options.sampleRate ?? this.sampleRate;
    if (!this.#isConverting && fromRate === this.sampleRate && samples instanceof Int16Array) return this.#enqueue(samples);
    this.#isConverting = true;
    return this.#enqueue(this.#input.take(samples, fromRate));
  }

  /** Of `write`, with back-pressure: a Web Stream of Int16Array or bytes at the call's rate; a new writer each time it is asked for. */
  get writable(): WritableStream<PcmChunk> {
    return new WritableStream<PcmChunk>(
      {
        write: async (chunk) => {
          if (!this.write(chunk)) await this.#belowHighWater();
        },
        close: () => this.drained(),
        abort: () => {
          this.clear();
        },
      },
      { highWaterMark: 1 },
    );
  }

  /** Resolves when all that was written until now has been sent, cleared, or the call has ended. */
  drained(): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    if (this.#line !== undefined && !this.lane.isBusy) return this.#line.outgoing.drained();
    return new Promise((resolve) => {
      this.#drains.push(resolve);
      this.lane.tell(() => {
        const at = this.#drains.indexOf(resolve);
        if (at >= 0) this.#drains.splice(at, 1);
        resolve();
      });
    });
  }

  /** Names the present end of what was written: `mark` tells when it was reached, or that it was cleared. */
  mark(name: string): void {
    if (RingMarks.isReserved(name)) throw new OptionError('name', 'must not begin with NUL');
    if (this.#isOver()) return;
    if (this.#marks === undefined || this.lane.isBusy) this.lane.defer(undefined, name);
    else this.#marks.named(name);
  }

  /** Stops at once, sounds included: what the media thread had already taken counts as played. */
  clear(): AudioCleared {
    const waiting = this.lane.clear('interrupted', (name) => this.#onMark(name, 'cleared'));
    const cleared = this.#line?.outgoing.clear().clearedSamples ?? 0;
    return { playedMs: this.#msOf(this.#utterance.onClear(this.#playedSamples())), droppedMs: this.#msOf(waiting + cleared) };
  }

  get queuedMs(): number {
    return this.#msOf(this.lane.deferredSamples + (this.#line?.outgoing.queuedSamples ?? 0));
  }

  /** Really sent to the peer, of all that was written in this call. */
  get playedMs(): number {
    return this.#msOf(this.#playedSamples());
  }

  // ── For the rooms beside this one ─────────────────────────────────────────────────────────────────────────────────────────────

  /** @internal: the call has media from here on. */
  attach(line: AudioLine): void {
    if (this.#isEnded || this.#line !== undefined) return;
    this.#line = line;
    const marks = new RingMarks(line.outgoing, this.#onMark);
    this.#marks = marks;
    this.lane.start(line.outgoing, () => marks);
    this.onFrames();
  }

  /** @internal: the call is over; every consumer, wait and mark ends. */
  end(): void {
    if (this.#isEnded) return;
    this.lane.clear('ended', (name) => this.#onMark(name, 'cleared'));
    this.#line?.outgoing.clear();
    this.#playedAtEnd = this.#line?.outgoing.playedSamples ?? 0;
    for (const resolve of this.#drains.splice(0)) resolve();
    this.#deliver();
    this.#isEnded = true;
    for (const consumer of [this.#first, ...this.#others]) if (consumer !== undefined) this.#removePush(consumer);
    this.#wakeAll();
  }

  /** @internal: how loud what the bot says leaves, 0 to 1, from the next packet on. */
  set gain(gain: number) {
    if (this.#line !== undefined) this.#line.outgoing.gain = gain;
  }

  /** @internal */
  get line(): AudioLine | undefined {
    return this.#line;
  }

  #playedSamples(): number {
    return this.#isEnded ? this.#playedAtEnd : (this.#line?.outgoing.playedSamples ?? 0);
  }

  #onWrite(samples: number): void {
    const line = this.#line;
    if (line !== undefined) this.#utterance.onWrite(samples, line.outgoing, line.incoming.written * line.incoming.frameSamples);
  }

  #enqueue(samples: Int16Array): boolean {
    if (this.#line !== undefined && !this.lane.isBusy) {
      this.#onWrite(samples.length);
      return this.#line.outgoing.write(samples);
    }
    const queuedMs = this.queuedMs + this.#msOf(samples.length);
    if (queuedMs > this.#maxQueueMs) {
      throw new SipBotError('ERR_QUEUE_FULL', `${Math.round(queuedMs)} ms would be queued, over maxQueueMs (${this.#maxQueueMs})`);
    }
    this.lane.defer(samples, undefined);
    return queuedMs <= HIGH_WATER_MS;
  }

  #belowHighWater(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#isEnded || this.queuedMs <= HIGH_WATER_MS) resolve();
        else this.#wait(look);
      };
      look();
    });
  }

  #addPush(listener: FrameListener, options: FrameOptions, isOnce: boolean): void {
    const cursor = this.#line === undefined ? undefined : this.#cursor(this.#line, options);
    if (this.#isEnded) return;
    const consumer = { listener, borrows: options.borrow === true, isOnce, cursor, isGone: false };
    if (this.#first === undefined) this.#first = consumer;
    else this.#others = [...this.#others, consumer];
  }

  #removePush(consumer: PushConsumer): void {
    consumer.isGone = true;
    if (consumer === this.#first) [this.#first, ...this.#others] = this.#others;
    else this.#others = this.#others.filter((one) => one !== consumer);
  }

  #cursor(line: AudioLine, options: FrameOptions): FrameCursor {
    return line.incoming.cursor(options.from === 'answer' ? 'oldest' : 'now');
  }

  #take(cursor: FrameCursor | undefined, borrows: boolean): AudioFrame | undefined {
    const samples = borrows ? cursor?.borrow() : cursor?.next();
    if (cursor === undefined || samples === undefined) return undefined;
    return { samples, timeMs: cursor.timeMs, source: cursor.source, droppedMs: cursor.droppedMs };
  }

  /** @internal: frames have come. */
  readonly onFrames = (): void => {
    this.#deliver();
    if (this.#isAwaited) this.#wakeAll();
  };

  #deliver(): void {
    const line = this.#line;
    const first = this.#first;
    if (line === undefined || first === undefined) return;
    const others = this.#others;
    this.#deliverTo(first, line);
    for (const consumer of others) this.#deliverTo(consumer, line);
  }

  #deliverTo(consumer: PushConsumer, line: AudioLine): void {
    consumer.cursor ??= this.#cursor(line, { from: 'answer' });
    while (!consumer.isGone) {
      const frame = this.#take(consumer.cursor, consumer.borrows);
      if (frame === undefined) break;
      if (consumer.isOnce) this.#removePush(consumer);
      // What a listener throws or rejects with ends its call, nothing else.
      try {
        const result = consumer.listener(frame);
        if (isThenable(result)) result.then(undefined, this.#onThrown);
      } catch (error) {
        this.#onThrown(error);
      }
    }
  }

  #markEvents(): MarkEvents {
    this.#events ??= new MarkEvents(this.#onThrown);
    return this.#events;
  }

  #wait(wake: () => void): void {
    this.#waiting.add(wake);
    this.#isAwaited = true;
  }

  #wakeAll(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#isAwaited = false;
    for (const wake of waiting) wake();
  }

  readonly #onMark = (name: string, outcome: 'sent' | 'cleared'): void => {
    this.#events?.tell({ name, outcome });
  };

  /** Frames that came before the end are still handed out when the wire is gone already. */
  #isOver(): boolean {
    return this.#isEnded || this.#line?.outgoing.ended === true;
  }

  #msOf(samples: number): number {
    return (samples * 1000) / this.sampleRate;
  }
}
