/** One call's media as the application's thread holds it: two rings, a few commands, and the news. */

import { CallError, OptionError } from '../errors.js';
import type { Random } from '../random.js';
import type { BoundPort } from './bound-ahead.js';
import type { DtmfDigit } from './dtmf-receiver.js';
import { FrameRing, frameRingBytes } from './frame-ring.js';
import { Lateness } from './media-clock.js';
import type { HostReport } from './media-host.js';
import type { MediaThread, StreamOwner } from './media-thread.js';
import type { CapturedPacket } from './packet-capture.js';
import { PlayoutRing } from './playout-ring.js';
import { SharedViews } from './shared-views.js';
import type { StreamNews } from './stream.js';
import { firstSegment, laneLayout, silenceWord, streamLayout } from './stream-memory.js';
import { checkParameters, type StreamParameters } from './stream-parameters.js';
import { readStreamStats, type StreamStats, streamCounters } from './stream-stats.js';

export type SampleRate = 8000 | 16000 | 24000 | 48000;
export type FrameMs = 10 | 20 | 30 | 40 | 60;

export interface OpenStream {
  /** What this stream's sockets bind to. @default the engine's host */
  readonly host?: string | undefined;
  /** The bot's, whatever the codec is or becomes. */
  readonly sampleRate: SampleRate;
  readonly frameMs: FrameMs;
  /** The canonical name in RTCP (RFC 7022). @default a random one */
  readonly cname?: string;
}

export type StreamEvent = StreamNews | { readonly type: 'failed'; readonly error: CallError };

export interface Departure {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface DtmfSendOptions {
  /** @default 100 */
  readonly durationMs?: number;
  /** @default 60 */
  readonly gapMs?: number;
}

export interface MediaStreamOptions extends Pick<OpenStream, 'sampleRate' | 'frameMs'> {
  readonly cname: string | undefined;
  readonly thread: MediaThread;
  readonly maxQueueMs: number;
  readonly random: Random;
  /** The ports may rest now. */
  readonly onClosed: () => void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const DIGITS = /^[0-9*#A-D,]*$/i;

export class MediaStream implements StreamOwner {
  readonly sampleRate: SampleRate;
  readonly frameMs: FrameMs;
  readonly incoming: FrameRing;
  readonly outgoing: PlayoutRing;
  /** Frames are ready, or what was awaited was played; at most once a tick. */
  onFrames: (() => void) | undefined;
  onEvent: ((event: StreamEvent) => void) | undefined;
  readonly #options: MediaStreamOptions;
  readonly #memory: SharedArrayBuffer;
  readonly #counters: Float64Array;
  readonly #words: Int32Array;
  /** For keys to be out. */
  #waiting: Map<number, Waiter> | undefined;
  readonly #number: number;
  #background: PlayoutRing | undefined;
  #sent: FrameRing | undefined;
  #local: { readonly address: string; readonly port: number; readonly rtcpPort: number } | undefined;
  #opening: Waiter | undefined;
  #requests = 0;
  #onPacket: ((packet: CapturedPacket) => void) | undefined;
  #closed = false;

  constructor(options: MediaStreamOptions) {
    this.#options = options;
    this.sampleRate = options.sampleRate;
    this.frameMs = options.frameMs;
    const layout = streamLayout(options);
    this.#memory = new SharedArrayBuffer(layout.bytes);
    this.#counters = streamCounters(this.#memory, layout.counters);
    const views = new SharedViews(this.#memory);
    this.#words = views.words;
    this.incoming = new FrameRing(views, layout.frames, options, layout.framesHead);
    this.outgoing = new PlayoutRing(views, layout.outgoingControl, firstSegment(this.#memory, layout.outgoingFirst, options.sampleRate), {
      sampleRate: options.sampleRate,
      maxQueueMs: options.maxQueueMs,
      extend: (segment) => options.thread.post({ type: 'extend', stream: this.#number, lane: 'outgoing', segment }),
    });
    this.#number = options.thread.enter(this);
  }

  /** Binds the even port of a pair. Rejects with what bind said, `code` in it. @internal */
  open(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#begin(host, port);
    });
  }

  /** On a port that the thread has bound ahead. @internal */
  start(host: string, { address, port }: BoundPort): void {
    this.#local = { address, port, rtcpPort: port + 1 };
    this.#begin(host, port);
  }

  #begin(host: string, port: number): void {
    const { thread, sampleRate, frameMs, cname, random } = this.#options;
    const memory = this.#memory;
    thread.post({ type: 'open', stream: this.#number, host, port, memory, sampleRate, frameMs, cname: cname ?? random.token() });
  }

  get local(): { readonly address: string; readonly port: number; readonly rtcpPort: number } {
    return this.#local!;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A second lane, mixed with the first as it is played. */
  get background(): PlayoutRing {
    if (this.#background === undefined) {
      const { thread, maxQueueMs } = this.#options;
      const layout = laneLayout(this.sampleRate);
      const memory = new SharedArrayBuffer(layout.bytes);
      this.#background = new PlayoutRing(new SharedViews(memory), layout.control, firstSegment(memory, layout.first, this.sampleRate), {
        sampleRate: this.sampleRate,
        maxQueueMs,
        extend: (segment) => thread.post({ type: 'extend', stream: this.#number, lane: 'background', segment }),
      });
      if (this.#closed) this.#background.end();
      else thread.post({ type: 'background', stream: this.#number, memory });
    }
    return this.#background;
  }

  /** What really left, frame by frame: both lanes mixed, tones, and silence; while the call is held it goes on with silence. Made at first touch. */
  get sent(): FrameRing {
    if (this.#sent === undefined) {
      const memory = new SharedArrayBuffer(frameRingBytes(this));
      this.#sent = new FrameRing(new SharedViews(memory), 0, this);
      if (this.#closed) this.#sent.end();
      else this.#options.thread.post({ type: 'tap', stream: this.#number, memory });
    }
    return this.#sent;
  }

  /** Every packet as it is on the wire, RTCP too, to one listener; undefined stops it. */
  capture(onPacket: ((packet: CapturedPacket) => void) | undefined): void {
    this.#onPacket = onPacket;
    if (!this.#closed) this.#options.thread.post({ type: 'capture', stream: this.#number, mode: onPacket === undefined ? 'off' : 'on' });
  }

  /** The first time, the stream begins to send; again whenever something changes, and the audio goes on. */
  configure(parameters: StreamParameters): void {
    checkParameters(parameters, this.local.address);
    this.watch(parameters.silentAfterMs ?? 0);
    if (!this.#closed) this.#options.thread.post({ type: 'configure', stream: this.#number, parameters });
  }

  /** `silentAfterMs` of the parameters alone, anew: it lies in shared memory, and wakes nobody. */
  watch(silentAfterMs: number): void {
    if (!this.#closed) Atomics.store(this.#words, silenceWord, Math.min(silentAfterMs, 0x7fffffff));
  }

  /** Resolves when the last tone is out. What is written meanwhile waits. */
  async sendDtmf(digits: string, options: DtmfSendOptions = {}): Promise<void> {
    const { durationMs = 100, gapMs = 60 } = options;
    if (!DIGITS.test(digits)) throw new OptionError('digits', '0 to 9, *, #, A to D, and a comma for a pause');
    if (!(durationMs >= 40 && durationMs <= 8000)) throw new OptionError('durationMs', '40 to 8000');
    if (!(gapMs >= 20 && gapMs <= 8000)) throw new OptionError('gapMs', '20 to 8000');
    if (this.#closed) throw ended();
    if (digits === '') return;
    const request = this.#requests++;
    await new Promise<void>((resolve, reject) => {
      this.#waiting ??= new Map();
      this.#waiting.set(request, { resolve, reject });
      this.#options.thread.post({ type: 'dtmf', stream: this.#number, request, digits: digits.toUpperCase(), durationMs, gapMs });
    });
  }

  stats(): StreamStats {
    return readStreamStats(this.#counters);
  }

  /** How late packets left the thread that this stream lives in, after their moment, since it began; in milliseconds. */
  departure(): Departure {
    const { lateness } = this.#options.thread.counts;
    return {
      p50Ms: Lateness.quantile(lateness, 0.5),
      p99Ms: Lateness.quantile(lateness, 0.99),
      maxMs: Lateness.quantile(lateness, 1),
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#options.thread.post({ type: 'close', stream: this.#number });
    this.#end();
  }

  /** It never came to be. @internal */
  discard(): void {
    if (!this.#closed) this.#end();
  }

  /** For its thread. */
  onReport(report: HostReport): void {
    switch (report.type) {
      case 'opened':
        this.#local = { address: report.address, port: report.port, rtcpPort: report.port + 1 };
        this.#opening?.resolve();
        this.#opening = undefined;
        return;
      case 'refused':
        this.#opening?.reject(Object.assign(new Error(report.message), { code: report.code }));
        this.#opening = undefined;
        return;
      case 'news':
        if (!this.#closed) this.onEvent?.(report.news);
        return;
      case 'dtmfSent':
        this.#waiting?.get(report.request)?.resolve();
        this.#waiting?.delete(report.request);
        return;
      case 'packet':
        this.#onPacket?.(report.packet);
        return;
      case 'failed':
        this.#fail(new CallError('ERR_MEDIA', 0, report.message));
        return;
      case 'closed':
      case 'bound':
      case 'unbound':
      case 'wake':
        return;
    }
  }

  /** For its thread. */
  onReady(): void {
    if (this.#closed) return;
    this.outgoing.settle();
    this.#background?.settle();
    this.onFrames?.();
  }

  /** For its thread. */
  onLost(error: Error): void {
    this.#opening?.reject(error);
    this.#opening = undefined;
    this.#fail(new CallError('ERR_MEDIA', 0, 'the media thread failed', `the media thread failed: ${error.message}`, { cause: error }));
  }

  #fail(error: CallError): void {
    if (this.#closed) return;
    this.close();
    this.onEvent?.({ type: 'failed', error });
  }

  #end(): void {
    this.#closed = true;
    this.incoming.end();
    try {
      // Told while it can still be answered: a bot that says back what it hears need not know that this is the end.
      this.onFrames?.();
    } finally {
      this.outgoing.end();
      this.#background?.end();
      this.#sent?.end();
      for (const waiter of this.#waiting?.values() ?? []) waiter.reject(ended());
      this.#waiting = undefined;
      this.#options.onClosed();
    }
  }
}

export type { DtmfDigit };

function ended(): CallError {
  return new CallError('ERR_CALL_ENDED', 0, 'the call has ended');
}
