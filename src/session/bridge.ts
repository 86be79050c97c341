// Two calls joined: what one side says the other hears, in PCM, so that codecs and rates may differ. Works from early media on, stands still with a
// hold, and never lets more than a moment of speech pile up.
import { Resampler } from '../codec/resample.js';
import type { FrameCursor } from '../rtp/frame-ring.js';
import type { CallSession } from './call-session.js';
import { LiveLag } from './live-lag.js';

export interface BridgeOptions {
  /** Keys pressed on one side are sent to the other. @default 'relay' */
  readonly dtmf?: 'relay' | 'keep';
  /** 'together': when one ends, so does the other; but a call that was never answered takes nobody with it. @default 'apart' */
  readonly hangup?: 'together' | 'apart';
  /** The most speech that may wait to be sent; what is older is left out. @default 120 */
  readonly maxLagMs?: number;
}

export interface Bridge {
  /** Takes the two apart; both calls go on. Idempotent. */
  stop(): void;
  /** Settles when the two are apart: stopped, or one of them ended. */
  readonly done: Promise<void>;
  /** What was left out so far because the other side could not take it, in milliseconds, both ways together; not silence in which a lag was made up for. */
  readonly droppedMs: number;
}

export function bridgeCalls(a: CallSession, b: CallSession, options: BridgeOptions = {}): Bridge {
  return new CallBridge(a, b, options);
}

class CallBridge implements Bridge {
  readonly done: Promise<void>;
  readonly #lanes: readonly Lane[];
  readonly #off: (() => void)[] = [];
  #resolve!: () => void;
  #isStopped = false;

  constructor(a: CallSession, b: CallSession, { dtmf = 'relay', hangup = 'apart', maxLagMs = 120 }: BridgeOptions) {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#lanes = [new Lane(a, b, maxLagMs), new Lane(b, a, maxLagMs)];
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (dtmf === 'relay') this.#listen(one, 'dtmf', (digit: string) => void other.sendDtmf(digit).catch(() => {}));
      this.#listen(one, 'ended', () => {
        this.stop();
        if (hangup === 'together' && one.answeredAt !== undefined) void other.hangup();
      });
    }
    if (a.state === 'ended' || b.state === 'ended') this.stop();
  }

  get droppedMs(): number {
    return this.#lanes[0]!.droppedMs + this.#lanes[1]!.droppedMs;
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const off of this.#off.splice(0)) off();
    for (const lane of this.#lanes) lane.stop();
    this.#resolve();
  }

  #listen(call: CallSession, event: 'dtmf' | 'ended', listener: (...args: never[]) => void): void {
    call.on(event, listener as () => void);
    this.#off.push(() => call.off(event, listener as () => void));
  }
}

/** One direction: frames of the one call, at the rate of the other. */
class Lane {
  readonly #from: CallSession;
  readonly #to: CallSession;
  readonly #maxLagMs: number;
  readonly #stopListening: () => void;
  #cursor: FrameCursor | undefined;
  #resampler: Resampler | undefined;
  #resampled = new Int16Array(0);
  #frame = new Int16Array(0);
  readonly #lag = new LiveLag();
  droppedMs = 0;

  constructor(from: CallSession, to: CallSession, maxLagMs: number) {
    this.#from = from;
    this.#to = to;
    this.#maxLagMs = maxLagMs;
    this.#stopListening = from.onFrames(() => this.#pump());
    this.#pump();
  }

  stop(): void {
    this.#stopListening();
  }

  #pump(): void {
    const cursor = this.#open();
    if (cursor === undefined) return;
    for (let frame = cursor.next(this.#frame); frame !== undefined; frame = cursor.next(this.#frame)) this.#pass(frame);
  }

  /** The two streams may open one after the other, and either after the bridge. */
  #open(): FrameCursor | undefined {
    const from = this.#from.stream;
    const to = this.#to.stream;
    if (from === undefined || to === undefined || to.closed) return undefined;
    if (this.#cursor === undefined) {
      this.#cursor = from.incoming.cursor('now');
      this.#frame = new Int16Array(from.incoming.frameSamples);
      if (from.sampleRate !== to.sampleRate) {
        this.#resampler = new Resampler(from.sampleRate, to.sampleRate);
        this.#resampled = new Int16Array(this.#resampler.maxOutput(from.incoming.frameSamples));
      }
    }
    return this.#cursor;
  }

  #pass(frame: Int16Array): void {
    const { outgoing, sampleRate } = this.#to.stream!;
    const { frameMs } = this.#from.stream!;
    const queuedMs = (outgoing.queuedSamples * 1000) / sampleRate;
    // What the other side cannot take now (it is not answered yet, or held) would come late for ever after.
    if (queuedMs > this.#maxLagMs) {
      this.droppedMs += frameMs;
      return;
    }
    if (this.#lag.canDrop(frame, frameMs, queuedMs)) return;
    if (this.#resampler === undefined) outgoing.write(frame);
    else outgoing.write(this.#resampled, 0, this.#resampler.process(frame, frame.length, this.#resampled));
  }
}
