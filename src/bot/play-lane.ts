/**
 * One playout ring's queue of sounds. A sound is written a little ahead of the wire, in pieces, each ended by a mark: when one has been
 * sent the next is written, so nothing here needs a timer. What is written by hand meanwhile waits its turn behind the sounds before it.
 */
import type { PlayoutRing } from '../rtp/playout-ring.js';
import type { Playout } from './playout.js';
import type { RingMarks } from './ring-marks.js';
import type { Sound } from './sound.js';

/** How far ahead a sound is written: what it survives of a blocked application. */
const LEAD_PIECES = 4;
const PIECE_MS = 250;

export interface LaneSound {
  readonly playout: Playout;
  readonly sound: Promise<Sound>;
  readonly gain: number;
  readonly times: number;
}

/** Written by hand while a sound was being fed. */
interface Deferred {
  readonly samples: Int16Array | undefined;
  readonly mark: string | undefined;
  readonly tell: (() => void) | undefined;
}

/** A sound that is, or has wholly been, written into the ring. */
interface Feeding {
  readonly playout: Playout;
  /** The ring's count of played samples at which it begins. */
  readonly base: number;
  /** The ring's position at which it begins. */
  from: number;
  written: number;
}

export class PlayLane {
  readonly #sampleRate: number;
  readonly #onWrite: (samples: number) => void;
  #ring: PlayoutRing | undefined;
  #marks: RingMarks | undefined;
  readonly #queue: (LaneSound | Deferred)[] = [];
  readonly #feedings = new Set<Feeding>();
  #isRunning = false;
  #deferredSamples = 0;

  /** `onWrite` is told how many samples are about to be written into the ring. */
  constructor(sampleRate: number, onWrite: (samples: number) => void = () => {}) {
    this.#sampleRate = sampleRate;
    this.#onWrite = onWrite;
  }

  /** There is media: what was queued before begins. */
  start(ring: PlayoutRing, marks: () => RingMarks): void {
    if (this.#ring !== undefined) return;
    this.#ring = ring;
    this.#marks = marks();
    void this.#run(ring, this.#marks);
  }

  /** Sounds are queued or being fed: what is written by hand must wait behind them. */
  get isBusy(): boolean {
    // Once there is a ring whatever is queued runs.
    return this.#isRunning || (this.#ring === undefined && this.#queue.length > 0);
  }

  /** Written by hand, and waiting. */
  get deferredSamples(): number {
    return this.#deferredSamples;
  }

  add(sound: LaneSound): void {
    sound.sound.catch(() => {}); // Told where it is played; until then nobody may be listening.
    this.#queue.push(sound);
    if (this.#ring !== undefined && this.#marks !== undefined) void this.#run(this.#ring, this.#marks);
  }

  /** By hand, behind the sounds: while `isBusy`. */
  defer(samples: Int16Array | undefined, mark: string | undefined): void {
    this.#queue.push({ samples: samples?.slice(), mark, tell: undefined });
    this.#deferredSamples += samples?.length ?? 0;
  }

  /** Calls back once all that is queued here now has been sent or cleared. */
  tell(task: () => void): void {
    this.#queue.push({ samples: undefined, mark: undefined, tell: task });
    if (this.#ring !== undefined && this.#marks !== undefined) void this.#run(this.#ring, this.#marks);
  }

  /** Takes one sound out, wherever it is; the milliseconds sent of it. */
  interrupt(playout: Playout): number {
    const feeding = [...this.#feedings].find((one) => one.playout === playout);
    if (feeding === undefined || this.#ring === undefined) {
      const at = this.#queue.findIndex((item) => 'playout' in item && item.playout === playout);
      if (at >= 0) void this.#discard(this.#queue.splice(at, 1)[0] as LaneSound);
      playout.finish('interrupted', 0);
      return 0;
    }
    const { movedBy } = this.#ring.clear(feeding.from);
    const playedMs = this.#playedMsOf(feeding);
    for (const other of this.#feedings) if (other.from < feeding.from) other.from += movedBy;
    playout.finish('interrupted', playedMs);
    return playedMs;
  }

  /** Takes everything out, the ring's own content aside; `tellMark` hears of marks that were waiting. The samples that had been deferred. */
  clear(outcome: 'interrupted' | 'ended', tellMark: (name: string) => void): number {
    const dropped = this.#deferredSamples;
    this.#deferredSamples = 0;
    for (const feeding of this.#feedings) feeding.playout.finish(outcome, this.#playedMsOf(feeding));
    for (const item of this.#queue.splice(0)) {
      if ('playout' in item) {
        item.playout.finish(outcome, 0);
        void this.#discard(item);
      } else {
        if (item.mark !== undefined) tellMark(item.mark);
        item.tell?.();
      }
    }
    return dropped;
  }

  async #run(ring: PlayoutRing, marks: RingMarks): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let item = this.#queue.shift(); item !== undefined; item = this.#queue.shift()) {
      if ('playout' in item) await this.#play(item, ring, marks);
      else this.#write(item, ring, marks);
    }
    this.#isRunning = false;
  }

  #write({ samples, mark, tell }: Deferred, ring: PlayoutRing, marks: RingMarks): void {
    if (samples !== undefined) this.#deferredSamples -= samples.length;
    if (samples !== undefined && !ring.ended) {
      this.#onWrite(samples.length);
      ring.write(samples);
    }
    if (mark !== undefined) marks.named(mark);
    if (tell !== undefined) marks.atEnd(tell);
  }

  async #play(item: LaneSound, ring: PlayoutRing, marks: RingMarks): Promise<void> {
    const { playout } = item;
    let sound: Sound | undefined;
    let feeding: Feeding | undefined;
    try {
      sound = await item.sound;
      if (isDone(playout)) return;
      feeding = { playout, base: ring.playedSamples + ring.queuedSamples, from: ring.position, written: 0 };
      this.#feedings.add(feeding);
      playout.began();
      await this.#feed(item, sound, feeding, ring, marks);
      if (!isDone(playout)) this.#finishAtEnd(feeding, ring, marks);
    } catch (error) {
      playout.failed(error);
    } finally {
      if (feeding !== undefined && isDone(playout)) this.#feedings.delete(feeding);
      await sound?.close();
    }
  }

  /** Writes it all, never more than the lead ahead; returns early when the playout is done with. */
  async #feed({ playout, gain, times }: LaneSound, sound: Sound, feeding: Feeding, ring: PlayoutRing, marks: RingMarks): Promise<void> {
    const pieceSamples = (this.#sampleRate * PIECE_MS) / 1000;
    let onTheWay = 0;
    let wake: () => void = () => {};
    const onPiece = (outcome: 'sent' | 'cleared'): void => {
      onTheWay--;
      if (outcome === 'cleared') playout.finish(ring.ended ? 'ended' : 'interrupted', this.#playedMsOf(feeding));
      wake();
    };
    for (let time = 0; time < times; time++) {
      if (time > 0) await sound.rewind();
      for (let piece = await sound.read(pieceSamples); piece !== undefined; piece = await sound.read(pieceSamples)) {
        if (isDone(playout)) return;
        if (gain !== 1) amplify(piece, gain);
        this.#onWrite(piece.length);
        if (feeding.written === 0) this.#writeFirst(piece, playout, ring, marks);
        else ring.write(piece);
        feeding.written += piece.length;
        onTheWay++;
        marks.atEnd(onPiece);
        while (onTheWay >= LEAD_PIECES && !isDone(playout)) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (isDone(playout)) return;
      }
      if (feeding.written === 0) return; // A sound of no length, over and over, is silence.
    }
  }

  /** The first sample has a mark of its own: when it leaves is what a caller who waits feels. */
  #writeFirst(piece: Int16Array, playout: Playout, ring: PlayoutRing, marks: RingMarks): void {
    ring.write(piece, 0, 1);
    marks.atEnd((outcome) => {
      if (outcome === 'sent') playout.sounded();
    });
    ring.write(piece.subarray(1));
  }

  #finishAtEnd(feeding: Feeding, ring: PlayoutRing, marks: RingMarks): void {
    marks.atEnd((outcome) => {
      const end = outcome === 'sent' ? 'completed' : ring.ended ? 'ended' : 'interrupted';
      feeding.playout.finish(end, this.#playedMsOf(feeding));
      this.#feedings.delete(feeding);
    });
  }

  #playedMsOf(feeding: Feeding): number {
    const played = (this.#ring?.playedSamples ?? 0) - feeding.base;
    return (Math.min(Math.max(played, 0), feeding.written) * 1000) / this.#sampleRate;
  }

  async #discard({ sound }: LaneSound): Promise<void> {
    try {
      await (await sound).close();
    } catch {
      // It could not be opened: nothing to close.
    }
  }
}

function isDone(playout: Playout): boolean {
  return playout.state === 'done';
}

function amplify(samples: Int16Array, gain: number): void {
  for (let i = 0; i < samples.length; i++) samples[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i]! * gain)));
}
