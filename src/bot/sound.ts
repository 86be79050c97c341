/** Anything that can be played, opened as samples at the call's rate: a file, its bytes, raw PCM, samples, a stream of them, a tone. */
import { readFile, stat } from 'node:fs/promises';
import { readAudio } from '../codec/audio-file.js';
import { monoSound } from '../codec/sound.js';
import { type Tone, ToneGenerator } from '../codec/tones.js';
import { OptionError, SipBotError } from '../errors.js';
import { type PcmChunk, PcmInput } from './pcm-input.js';

/** A path or file URL, the bytes of a sound file (or raw PCM, with `sampleRate`), samples, a stream of samples or bytes, or a tone. */
export type SoundSource = string | URL | PcmChunk | AsyncIterable<PcmChunk> | Iterable<PcmChunk> | Tone;

export interface SoundOptions {
  /** Of samples, raw bytes and streams; a file says its own. @default the call's */
  readonly sampleRate?: number;
}

export interface Sound {
  /** The next samples, at most `count`, the reader's to change; undefined at the end. */
  read(count: number): Promise<Int16Array | undefined>;
  /** Begins again. */
  rewind(): Promise<void>;
  close(): Promise<void>;
}

/** A file is read whole: beyond this it is no prompt. An hour of 16 kHz PCM is 115 MB. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** Wrong use throws at once; what only the file can tell rejects. */
export function openSound(source: SoundSource, sampleRate: number, options: SoundOptions = {}): Promise<Sound> {
  const { sampleRate: fromRate = sampleRate } = options;
  if (typeof source === 'string' || source instanceof URL) return openFile(source, sampleRate);
  if (source instanceof Int16Array) return Promise.resolve(new SampleSound(atRate(source, fromRate, sampleRate)));
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
    const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
    if (options.sampleRate !== undefined) return Promise.resolve(new SampleSound(atRate(bytes, fromRate, sampleRate)));
    return decodeFile(bytes, 'the sound', sampleRate);
  }
  if (isTone(source)) return Promise.resolve(new ToneSound(source, sampleRate));
  if (typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source)) {
    return Promise.resolve(new StreamSound(source, fromRate, sampleRate));
  }
  throw new OptionError('source', 'must be a path, the bytes of a sound file, samples, a stream of samples, or a tone');
}

function isTone(source: object): source is Tone {
  return 'parts' in source && Array.isArray(source.parts);
}

async function openFile(path: string | URL, sampleRate: number): Promise<Sound> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) throw new SipBotError('ERR_AUDIO', `${path} is larger than ${MAX_FILE_BYTES} bytes: play it as a stream`);
  return decodeFile(await readFile(path), String(path), sampleRate);
}

async function decodeFile(bytes: Uint8Array, name: string, sampleRate: number): Promise<Sound> {
  try {
    const decoded = await readAudio(bytes);
    return new SampleSound(monoSound(decoded, sampleRate));
  } catch (error) {
    if (!(error instanceof SipBotError)) throw error;
    throw new SipBotError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}

function atRate(chunk: PcmChunk, fromRate: number, sampleRate: number): Int16Array {
  const samples = chunk instanceof Int16Array ? chunk : new PcmInput(fromRate).take(chunk);
  return monoSound({ samples, channels: 1, sampleRate: fromRate }, sampleRate);
}

class SampleSound implements Sound {
  readonly #samples: Int16Array;
  #at = 0;

  constructor(samples: Int16Array) {
    this.#samples = samples;
  }

  async read(count: number): Promise<Int16Array | undefined> {
    if (this.#at >= this.#samples.length) return undefined;
    const piece = this.#samples.slice(this.#at, this.#at + count);
    this.#at += piece.length;
    return piece;
  }

  async rewind(): Promise<void> {
    this.#at = 0;
  }

  async close(): Promise<void> {}
}

class ToneSound implements Sound {
  readonly #tone: Tone;
  #generator: ToneGenerator;

  constructor(tone: Tone, sampleRate: number) {
    this.#tone = tone;
    this.#generator = new ToneGenerator(tone, sampleRate);
  }

  async read(count: number): Promise<Int16Array | undefined> {
    const piece = new Int16Array(count);
    const filled = this.#generator.fill(piece, count);
    return filled === 0 ? undefined : piece.subarray(0, filled);
  }

  async rewind(): Promise<void> {
    this.#generator = new ToneGenerator(this.#tone, this.#generator.sampleRate);
  }

  async close(): Promise<void> {}
}

/** Taken as it comes: what is read is handed on at once, so that speech starts with its first words. */
class StreamSound implements Sound {
  readonly #chunks: AsyncIterator<PcmChunk> | Iterator<PcmChunk>;
  readonly #fromRate: number;
  readonly #input: PcmInput;
  #rest: Int16Array | undefined;
  #isOver = false;

  constructor(source: AsyncIterable<PcmChunk> | Iterable<PcmChunk>, fromRate: number, sampleRate: number) {
    this.#chunks = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#fromRate = fromRate;
    this.#input = new PcmInput(sampleRate);
  }

  async read(count: number): Promise<Int16Array | undefined> {
    while (this.#rest === undefined || this.#rest.length === 0) {
      if (this.#isOver) return undefined;
      const { done, value } = await this.#chunks.next();
      this.#isOver = done === true;
      this.#rest = done === true ? this.#input.flush() : this.#input.take(value, this.#fromRate).slice();
    }
    const piece = this.#rest.slice(0, count);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async rewind(): Promise<void> {
    throw new OptionError('loop', 'a stream can be played once only');
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#chunks.return?.();
  }
}
