/**
 * `call.record`: the call as a WAV file, streamed to disk. Stereo: caller left, bot right. The header is made true once a second, so that a
 * process that dies leaves a file readable up to its last second.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { wavHeader } from '../codec/wav.js';
import { SipBotError } from '../errors.js';
import type { FrameCursor, FrameRing } from '../rtp/frame-ring.js';

export interface RecordOptions {
  /** Caller left, bot right; otherwise both in one. @default false */
  readonly stereo?: boolean;
}

export interface RecordingResult {
  readonly path: string;
  readonly durationMs: number;
}

const HEADER_BYTES = 44;
/** What a WAV header can say; more is written all the same, and read by whoever does not trust it. */
const MAX_DATA_BYTES = 0xffff_ff00;
/** What is written at once, and how often the header is made true. */
const BATCH_MS = 1000;
/** A disk slower than speech for so long has failed. */
const MAX_WAITING_BATCHES = 30;

export class Recording {
  /** Resolves when the file is whole on disk: after `stop`, or after the call. Rejects with what the disk said. */
  readonly done: Promise<RecordingResult>;
  readonly path: string;
  readonly #channels: number;
  readonly #sampleRate: number;
  readonly #frameSamples: number;
  readonly #detach: (recording: Recording) => void;
  #settle!: (result: RecordingResult) => void;
  #fail!: (error: unknown) => void;
  #batch: Int16Array;
  #batched = 0;
  readonly #waiting: Int16Array[] = [];
  #samplesWritten = 0;
  #samplesTaken = 0;
  #file: Promise<FileHandle> | undefined;
  #isWriting = false;
  #isStopping = false;
  #isDone = false;
  #isPaused = false;
  #heard: FrameCursor | undefined;
  #said: FrameCursor | undefined;

  /** @internal: `call.record` makes them. */
  constructor(
    path: string,
    options: RecordOptions,
    format: { readonly sampleRate: number; readonly frameMs: number },
    detach: (recording: Recording) => void,
  ) {
    this.path = path;
    this.#channels = options.stereo === true ? 2 : 1;
    this.#sampleRate = format.sampleRate;
    this.#frameSamples = (format.sampleRate / 1000) * format.frameMs;
    this.#batch = this.#newBatch();
    this.#detach = detach;
    this.done = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    this.done.catch(() => {});
    this.#file = this.#open();
    this.#file.catch((error: unknown) => this.#broke(error));
  }

  /** Leaves out what comes from now on; the file knows no gap. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  get durationMs(): number {
    return (this.#samplesTaken * 1000) / this.#sampleRate;
  }

  /** Ends it and resolves as `done` does. Idempotent. */
  stop(): Promise<RecordingResult> {
    if (!this.#isStopping) {
      this.#detach(this);
      this.#isStopping = true;
      this.#flushBatch();
      void this.#drain();
    }
    return this.done;
  }

  /** @internal: the call has media. */
  attach(heard: FrameRing, said: FrameRing): void {
    this.#heard = heard.cursor();
    this.#said = said.cursor();
  }

  /** @internal: frames may have come. What was sent is the clock: it goes on while the call is held; the caller's frame of the same time is put beside it. */
  pump(): void {
    const said = this.#said;
    const heard = this.#heard;
    if (said === undefined || heard === undefined || this.#isStopping || this.#isDone) return;
    while (said.available > 0) {
      const out = said.borrow();
      if (out === undefined) return;
      const caller = heard.borrow();
      if (!this.#isPaused) this.#take(caller, out);
    }
  }

  #take(caller: Int16Array | undefined, bot: Int16Array): void {
    const batch = this.#batch;
    const count = this.#frameSamples;
    let at = this.#batched;
    for (let i = 0; i < count; i++) {
      const left = caller === undefined ? 0 : caller[i]!;
      const right = bot[i]!;
      if (this.#channels === 2) {
        batch[at++] = left;
        batch[at++] = right;
      } else {
        batch[at++] = Math.max(-32768, Math.min(32767, left + right));
      }
    }
    this.#batched = at;
    this.#samplesTaken += count;
    if (at + count * this.#channels > batch.length) {
      this.#flushBatch();
      void this.#drain();
    }
  }

  #newBatch(): Int16Array {
    const frames = Math.max(1, Math.ceil(((BATCH_MS / 1000) * this.#sampleRate) / this.#frameSamples));
    return new Int16Array(frames * this.#frameSamples * this.#channels);
  }

  #flushBatch(): void {
    if (this.#batched === 0) return;
    this.#waiting.push(this.#batch.subarray(0, this.#batched));
    this.#batch = this.#newBatch();
    this.#batched = 0;
    if (this.#waiting.length > MAX_WAITING_BATCHES) {
      this.#broke(new SipBotError('ERR_AUDIO', `${this.path}: the disk is ${MAX_WAITING_BATCHES} s behind; recording given up`));
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.path, 'w');
    try {
      await writeAll(file, this.#header(0), 0);
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    return file;
  }

  /** One write at a time; what comes meanwhile waits its turn. */
  async #drain(): Promise<void> {
    if (this.#isWriting || this.#isDone) return;
    this.#isWriting = true;
    try {
      const file = await this.#file!;
      for (let batch = this.#waiting.shift(); batch !== undefined && !this.#isDone; batch = this.#waiting.shift()) {
        const position = HEADER_BYTES + this.#samplesWritten * this.#channels * 2;
        await writeAll(file, Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength), position);
        this.#samplesWritten += batch.length / this.#channels;
        await writeAll(file, this.#header(this.#samplesWritten), 0);
      }
      if (this.#isStopping && !this.#isDone) {
        this.#isDone = true;
        await file.close();
        this.#settle({ path: this.path, durationMs: (this.#samplesWritten * 1000) / this.#sampleRate });
      }
    } catch (error) {
      this.#broke(error);
    } finally {
      this.#isWriting = false;
    }
  }

  #header(samples: number): Uint8Array {
    const bytes = Math.min(samples * this.#channels * 2, MAX_DATA_BYTES);
    return wavHeader({ sampleRate: this.#sampleRate, channels: this.#channels }, bytes);
  }

  #broke(error: unknown): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#isStopping = true;
    this.#waiting.length = 0;
    this.#detach(this);
    this.#file?.then((file) => file.close()).catch(() => {});
    this.#fail(error);
  }
}

/** A full disk takes part of a write and says nothing of the rest. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new SipBotError('ERR_AUDIO', 'the disk takes no more');
    done += bytesWritten;
  }
}
