/**
 * Speech over a WebSocket: the text goes there as it is written, sound comes back as it is made and is handed out as fast as it is taken; meanwhile
 * the service waits. A connection that fails before its first sound is made again with the text so far.
 */
import type { Timer } from '../../clock.js';
import type { PcmChunk } from '../pcm-input.js';
import { isFinal, type Message, type MessageWire, type WireClosed, type WireTarget } from '../wire/message-wire.js';
import { type Service, serviceError } from './service.js';
import type { SpeakOptions, SpokenChunk, WordMark } from './text-to-speech.js';

export interface Spoken {
  readonly sound?: Uint8Array;
  readonly words?: readonly WordMark[];
  readonly isLast?: boolean;
  readonly error?: string;
}

export interface VoiceDialect {
  readonly target: WireTarget;
  readonly sampleRate: number;
  hello(): readonly Message[];
  text(piece: string): readonly Message[];
  /** All of the text has been said. */
  end(): readonly Message[];
  read(message: Message): Spoken;
}

const ATTEMPTS = 3;
const PAUSE_MS = 200;
/** Nothing came for so long. */
const SILENT_MS = 15_000;
/** Made and not taken: beyond this the service waits. */
const MAX_AHEAD = 64;

export async function* speakOverWire(
  service: Service,
  makeDialect: () => VoiceDialect,
  text: string | AsyncIterable<string>,
  { signal }: SpeakOptions,
): AsyncGenerator<SpokenChunk> {
  const script = new Script(text);
  try {
    yield* attempts(service, makeDialect, script, signal);
  } finally {
    script.isUnwanted = true;
  }
}

async function* attempts(
  service: Service,
  makeDialect: () => VoiceDialect,
  script: Script,
  signal: AbortSignal | undefined,
): AsyncGenerator<SpokenChunk> {
  for (let attempt = 1; signal?.aborted !== true; attempt++) {
    const speech = new WireSpeech(service, makeDialect(), script, signal);
    let hasBegun = false;
    try {
      for await (const chunk of speech.chunks()) {
        hasBegun = true;
        yield chunk;
      }
      return;
    } catch (error) {
      if (hasBegun || attempt === ATTEMPTS || !speech.mayTryAgain) throw error;
      await pauseFor(service, PAUSE_MS * attempt);
    } finally {
      speech.close();
    }
  }
}

/** The text, kept for a second connection. */
class Script {
  readonly pieces: string[] = [];
  isWhole = false;
  /** Nobody wants the rest: whoever writes it is told to stop. */
  isUnwanted = false;
  onPiece: () => void = () => {};
  #failure: { readonly error: unknown } | undefined;

  constructor(text: string | AsyncIterable<string>) {
    void this.#read(text);
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  async #read(text: string | AsyncIterable<string>): Promise<void> {
    try {
      for await (const piece of typeof text === 'string' ? [text] : text) {
        if (this.isUnwanted) break;
        if (piece === '') continue;
        this.pieces.push(piece);
        this.onPiece();
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.isWhole = true;
    this.onPiece();
  }
}

class WireSpeech {
  mayTryAgain = false;
  readonly #service: Service;
  readonly #dialect: VoiceDialect;
  readonly #script: Script;
  readonly #signal: AbortSignal | undefined;
  readonly #wire: MessageWire;
  readonly #made: SpokenChunk[] = [];
  #said = 0;
  #hasSaidAll = false;
  #isUp = false;
  #isPaused = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};
  #patience: Timer | undefined;

  constructor(service: Service, dialect: VoiceDialect, script: Script, signal: AbortSignal | undefined) {
    this.#service = service;
    this.#dialect = dialect;
    this.#script = script;
    this.#signal = signal;
    script.onPiece = () => this.#say();
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#wire = service.connect(dialect.target, {
      onOpen: () => this.#onOpen(),
      onMessage: (message) => this.#onMessage(message),
      onClose: (closed) => this.#onClose(closed),
    });
    this.#wait();
  }

  async *chunks(): AsyncGenerator<SpokenChunk> {
    for (;;) {
      const next = this.#made.shift();
      if (next !== undefined) {
        if (this.#isPaused && this.#made.length < MAX_AHEAD / 2) this.#resume();
        yield next;
      } else if (this.#failure !== undefined) throw this.#failure.error;
      else if (this.#isOver) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  close(): void {
    this.#end();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#wire.close();
  }

  readonly #onAbort = (): void => {
    this.#made.length = 0;
    this.#end();
  };

  #onOpen(): void {
    if (this.#isOver) return;
    this.#isUp = true;
    this.#send(this.#dialect.hello());
    this.#say();
  }

  #say(): void {
    if (!this.#isUp || this.#isOver || this.#hasSaidAll) return;
    const { pieces, isWhole, failure } = this.#script;
    if (failure !== undefined) {
      this.#end(failure);
      return;
    }
    for (; this.#said < pieces.length; this.#said++) this.#send(this.#dialect.text(pieces[this.#said]!));
    this.#wait();
    if (!isWhole) return;
    this.#hasSaidAll = true;
    this.#send(this.#dialect.end());
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages) this.#wire.send(message);
  }

  #onMessage(message: Message): void {
    if (this.#isOver) return;
    this.#wait();
    const { sound, words, isLast, error } = this.#dialect.read(message);
    if (error !== undefined) this.#end({ error: serviceError(this.#service, error) });
    if (sound !== undefined && (sound.length > 0 || words !== undefined)) this.#push(sound, words);
    if (isLast === true) this.#end();
  }

  #push(samples: PcmChunk, words: readonly WordMark[] | undefined): void {
    this.#made.push({ samples, sampleRate: this.#dialect.sampleRate, ...(words !== undefined && { words }) });
    if (this.#made.length >= MAX_AHEAD && !this.#isPaused) {
      this.#isPaused = true;
      this.#wire.pause();
      this.#patience?.cancel();
    }
    this.#wake();
  }

  #resume(): void {
    this.#isPaused = false;
    this.#wire.resume();
    this.#wait();
  }

  #onClose(closed: WireClosed): void {
    if (this.#isOver) return;
    this.mayTryAgain = !isFinal(closed);
    this.#end({ error: serviceError(this.#service, `${closed.code} ${closed.reason}`.trim()) });
  }

  /** The service's time, not that of whoever is still writing the text. */
  #wait(): void {
    this.#patience?.cancel();
    const isOurs = this.#isUp && !this.#script.isWhole && this.#said === this.#script.pieces.length;
    if (this.#isOver || this.#isPaused || isOurs) return;
    const { clock } = this.#service;
    this.#patience = clock.at(clock.now() + SILENT_MS, () => {
      this.mayTryAgain = true;
      this.#end({ error: serviceError(this.#service, `nothing came for ${SILENT_MS} ms`) });
    });
  }

  #end(failure?: { readonly error: unknown }): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#patience?.cancel();
    this.#wake();
  }
}

function pauseFor({ clock }: Service, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.at(clock.now() + ms, resolve));
}
