/**
 * What the platform says, on its way to the caller: platforms send a minute of speech in a second, and expect marks and clear to mean what
 * the caller heard. The call's queue holds the next half minute; what comes after waits here, up to a bound, as bytes.
 */
import type { Clock } from '../../clock.js';
import type { AudioCleared, CallAudio } from '../audio.js';
import type { MarkOutcome } from '../mark-events.js';
import { bytesPerMs, isSoundRate, type SoundFormat, SoundReader } from '../wire/sound-format.js';

export interface DownlinkOptions {
  readonly audio: CallAudio;
  readonly clock: Clock;
  readonly format: SoundFormat;
  /** What is longer than this ahead is refused. */
  readonly maxQueueMs: number;
  readonly onMark: (name: string, outcome: MarkOutcome['outcome']) => void;
}

export interface DownlinkStats {
  readonly receivedMs: number;
  /** Not yet heard. */
  readonly queuedMs: number;
  /** Over the bound, and thrown away. */
  readonly refusedMs: number;
  readonly clears: number;
  /** How often the caller heard a hole because the rest of a sentence came late, and how much of it. */
  readonly gaps: number;
  readonly gapMs: number;
}

type Waiting = { readonly bytes: Uint8Array; readonly reader: SoundReader; readonly ms: number } | { readonly mark: string };

/** The call's own queue is filled up to here: it takes a minute. */
const AHEAD_MS = 30_000;
/** A pause longer than this was meant. */
const LONGEST_GAP_MS = 700;
const MAX_MARKS = 1000;
/** However small the pieces. */
const MAX_WAITING = 60_000;
/** Our marks among those of the application. */
const OURS = 'bridge:';

export class Downlink {
  readonly #options: DownlinkOptions;
  #reader: SoundReader;
  readonly #waiting: Waiting[] = [];
  #waitingMs = 0;
  /** Marks that are to be told of, in their order, under the names they have in the call's audio. */
  #marks: string[] = [];
  /** Two marks of one name are two: one may have been forgotten. */
  #markCount = 0;
  #receivedMs = 0;
  #refusedMs = 0;
  #clears = 0;
  #gaps = 0;
  #gapMs = 0;
  /** When the caller will have heard all of it; undefined when there is nothing to be late for. */
  #runsOutAt: number | undefined;

  constructor(options: DownlinkOptions) {
    this.#options = options;
    this.#reader = new SoundReader(options.format, options.audio.sampleRate);
    options.audio.on('mark', this.#onMark);
  }

  get stats(): DownlinkStats {
    return {
      receivedMs: Math.round(this.#receivedMs),
      queuedMs: Math.round(this.queuedMs),
      refusedMs: Math.round(this.#refusedMs),
      clears: this.#clears,
      gaps: this.#gaps,
      gapMs: Math.round(this.#gapMs),
    };
  }

  get queuedMs(): number {
    return this.#options.audio.queuedMs + this.#waitingMs;
  }

  /** In any split, through a sample even. False: refused, there is too much already. */
  write(bytes: Uint8Array, format: SoundFormat = this.#options.format): boolean {
    if (!isSoundRate(format.sampleRate)) return false;
    const { encoding, sampleRate } = this.#reader.format;
    if (format.encoding !== encoding || format.sampleRate !== sampleRate)
      this.#reader = new SoundReader(format, this.#options.audio.sampleRate);
    const ms = bytes.length / bytesPerMs(format);
    if (this.queuedMs + ms > this.#options.maxQueueMs || this.#waiting.length >= MAX_WAITING) {
      this.#refusedMs += ms;
      return false;
    }
    this.#receivedMs += ms;
    this.#watchForGap(ms);
    if (this.#waiting.length === 0 && this.#hasRoom) this.#play(this.#reader, bytes);
    else this.#wait({ bytes, reader: this.#reader, ms });
    return true;
  }

  /** Told of once, when the caller has heard everything before it, or never will. */
  mark(name: string): void {
    if (this.#marks.length >= MAX_MARKS) return;
    this.#runsOutAt = undefined;
    const mark = `${OURS}${++this.#markCount}:${name}`;
    this.#marks.push(mark);
    if (this.#waiting.length === 0) this.#options.audio.mark(mark);
    else this.#wait({ mark });
  }

  clear(): AudioCleared {
    this.#clears++;
    this.#runsOutAt = undefined;
    const droppedHere = this.#waitingMs;
    const later = this.#waiting.splice(0);
    this.#waitingMs = 0;
    const { playedMs, droppedMs } = this.#options.audio.clear();
    this.#reader.reset();
    for (const one of later) if ('mark' in one) this.#onMark({ name: one.mark, outcome: 'cleared' });
    return { playedMs, droppedMs: droppedMs + droppedHere };
  }

  /** These marks are told of as cleared, though the sound before them goes on. */
  forgetMarks(isForgotten: (name: string) => boolean): void {
    const forgotten = this.#marks.filter((mark) => isForgotten(nameOf(mark)));
    this.#marks = this.#marks.filter((mark) => !forgotten.includes(mark));
    for (const mark of forgotten) this.#options.onMark(nameOf(mark), 'cleared');
  }

  /** The connection was lost: what was said is still heard, its marks are nobody's, and what comes next is another sound. */
  cut(): void {
    this.#marks = [];
    this.#runsOutAt = undefined;
    if (this.#waiting.length === 0) this.#reader.reset();
    else this.#reader = new SoundReader(this.#reader.format, this.#options.audio.sampleRate);
  }

  /** Time has passed: there may be room. */
  pump(): void {
    while (this.#waiting.length > 0 && this.#hasRoom) {
      const next = this.#waiting.shift()!;
      if ('mark' in next) {
        this.#options.audio.mark(next.mark);
        continue;
      }
      this.#waitingMs -= next.ms;
      this.#play(next.reader, next.bytes);
    }
  }

  get #hasRoom(): boolean {
    return this.#options.audio.queuedMs < AHEAD_MS;
  }

  #wait(one: Waiting): void {
    this.#waiting.push(one);
    if ('ms' in one) this.#waitingMs += one.ms;
  }

  /** A message of minutes goes over the call's queue by itself: it is taken in pieces. */
  #play(reader: SoundReader, bytes: Uint8Array): void {
    const most = Math.ceil(bytesPerMs(reader.format) * (AHEAD_MS / 2));
    if (bytes.length <= most) {
      this.#options.audio.write(reader.read(bytes));
      return;
    }
    const pieces: Waiting[] = [];
    for (let at = 0; at < bytes.length; at += most) {
      const piece = bytes.subarray(at, at + most);
      pieces.push({ bytes: piece, reader, ms: piece.length / bytesPerMs(reader.format) });
    }
    this.#waitingMs += bytes.length / bytesPerMs(reader.format);
    this.#waiting.unshift(...pieces);
    this.pump();
  }

  #watchForGap(ms: number): void {
    const now = this.#options.clock.now();
    const due = this.#runsOutAt;
    const late = due === undefined ? 0 : now - due;
    if (late > 0 && late < LONGEST_GAP_MS && this.queuedMs === 0) {
      this.#gaps++;
      this.#gapMs += late;
    }
    this.#runsOutAt = (due === undefined || late > 0 ? now + this.queuedMs : due) + ms;
  }

  readonly #onMark = ({ name, outcome }: MarkOutcome): void => {
    if (this.#marks[0] !== name) return;
    this.#marks.shift();
    this.#options.onMark(nameOf(name), outcome);
  };
}

/** As the platform gave it. */
function nameOf(mark: string): string {
  return mark.slice(mark.indexOf(':', OURS.length) + 1);
}
