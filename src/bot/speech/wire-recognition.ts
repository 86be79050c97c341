/**
 * One recognition over a WebSocket that is kept up: what the caller says goes there as it comes, waits in bounds while the service is away or slow,
 * and transcripts come back. What is said over the wire is the dialect's: one file a service.
 */
import { Link } from '../wire/link.js';
import type { Message, WireTarget } from '../wire/message-wire.js';
import { Uplink } from '../wire/uplink.js';
import { type Service, serviceError } from './service.js';
import type { Recognition, RecognitionOptions, Transcript } from './speech-to-text.js';
import { TranscriptQueue } from './transcript-queue.js';

/** What a service's message was. */
export interface Understood {
  readonly transcripts?: readonly Transcript[];
  /** An utterance that we ended has been answered in full. */
  readonly isAnswer?: boolean;
  /** The service will have no more of us. */
  readonly error?: string;
}

export interface RecogniserDialect {
  readonly target: WireTarget;
  readonly sampleRate: number;
  readonly chunkMs: number;
  /** Said first, on each connection. */
  hello(): readonly Message[];
  sound(chunk: Uint8Array): Message;
  /** Asks for the final transcript of what was said until now. */
  endUtterance(): readonly Message[];
  /** Asked for when no more will come and everything has been answered; without it the wire is closed. */
  goodbye?(): readonly Message[];
  /** Said when nothing else has been for so long. */
  readonly keepAlive?: { readonly everyMs: number; readonly message: Message };
  read(message: Message): Understood;
}

/** A service that is away may have so much of the caller's words when it is back. */
const HOLD_MS = 10_000;
const PATIENCE_MS = 10_000;
/** After `end`, for the last transcript. */
const LAST_MS = 5000;
const MAX_WIRE_BYTES = 64 * 1024;
const TICK_MS = 250;

export class WireRecognition implements Recognition {
  readonly #service: Service;
  readonly #dialect: RecogniserDialect;
  readonly #queue = new TranscriptQueue();
  readonly #uplink: Uplink;
  readonly #link: Link;
  readonly #signal: AbortSignal | undefined;
  /** Asked for by the application, and not said yet: sound that waits goes first. */
  #wishes: ('utterance' | 'end')[] = [];
  #unanswered = 0;
  #guess: Transcript | undefined;
  #hasSound = false;
  #isEnding = false;
  #saidAt: number;
  #tick: { cancel(): void } | undefined;
  #endBy = Number.POSITIVE_INFINITY;

  constructor(service: Service, dialect: RecogniserDialect, options: RecognitionOptions) {
    const { clock, random } = service;
    this.#service = service;
    this.#dialect = dialect;
    this.#saidAt = clock.now();
    this.#uplink = new Uplink({
      fromRate: options.sampleRate,
      format: { encoding: 'pcm16', sampleRate: dialect.sampleRate },
      chunkMs: dialect.chunkMs,
      holdMs: HOLD_MS,
      deliver: (chunk) => this.#deliver(chunk),
    });
    this.#link = new Link(
      { clock, random, patienceMs: PATIENCE_MS, open: (events) => service.connect(dialect.target, events) },
      {
        onUp: () => this.#onUp(),
        onMessage: (message) => this.#onMessage(message),
        onDown: () => this.#onDown(),
        onOver: ({ code, reason }) => this.#onOver(code, reason),
      },
    );
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.close);
    if (this.#signal?.aborted === true) this.close();
    else this.#look();
  }

  write(samples: Int16Array): void {
    if (this.#queue.isOver || this.#isEnding) return;
    this.#hasSound = true;
    this.#uplink.write(samples);
  }

  endUtterance(): void {
    if (this.#queue.isOver || this.#isEnding || !this.#hasSound) return;
    this.#hasSound = false;
    this.#wish('utterance');
  }

  end(): void {
    if (this.#queue.isOver || this.#isEnding) return;
    this.endUtterance();
    this.#isEnding = true;
    this.#endBy = this.#service.clock.now() + LAST_MS;
    this.#wish('end');
  }

  readonly close = (): void => this.#finish();

  [Symbol.asyncIterator](): AsyncGenerator<Transcript> {
    return this.#queue[Symbol.asyncIterator]();
  }

  #wish(wish: 'utterance' | 'end'): void {
    this.#wishes.push(wish);
    this.#settle();
  }

  #deliver(chunk: Uint8Array): boolean {
    if (this.#link.queuedBytes > MAX_WIRE_BYTES) return false;
    return this.#say([this.#dialect.sound(chunk)]);
  }

  #say(messages: readonly Message[]): boolean {
    this.#saidAt = this.#service.clock.now();
    return messages.every((message) => this.#link.send(message));
  }

  #onUp(): void {
    this.#say(this.#dialect.hello());
    this.#settle();
  }

  /** What the lost connection had not answered, no other will: its last guess stands. */
  #onDown(): void {
    this.#unanswered = 0;
    if (this.#guess !== undefined) this.#tell({ ...this.#guess, isFinal: true });
  }

  #tell(transcript: Transcript): void {
    this.#guess = transcript.isFinal || transcript.text === '' ? undefined : transcript;
    this.#queue.push(transcript);
  }

  #onMessage(message: Message): void {
    const { transcripts = [], isAnswer, error } = this.#dialect.read(message);
    for (const transcript of transcripts) this.#tell(transcript);
    if (error !== undefined) this.#finish(serviceError(this.#service, error));
    if (isAnswer !== true || this.#unanswered === 0) return;
    this.#unanswered--;
    this.#settle();
  }

  #onOver(code: number, reason: string): void {
    const isGoodbye = this.#isEnding && (code === 1000 || code === 1005);
    this.#finish(isGoodbye ? undefined : serviceError(this.#service, `${code} ${reason}`.trim()));
  }

  /** In their order: the sound that waits, then what was asked for behind it. */
  #settle(): void {
    if (this.#link.state !== 'up' || !(this.#wishes.length > 0 ? this.#uplink.finish() : this.#flushed())) return;
    if (this.#wishes[0] === 'utterance') {
      this.#wishes.shift();
      this.#unanswered++;
      this.#say(this.#dialect.endUtterance());
      this.#settle();
    } else if (this.#wishes[0] === 'end' && this.#unanswered === 0) {
      this.#wishes.shift();
      const goodbye = this.#dialect.goodbye?.();
      if (goodbye === undefined) this.#finish();
      else this.#say(goodbye);
    }
  }

  #flushed(): boolean {
    this.#uplink.flush();
    return true;
  }

  readonly #look = (): void => {
    const { clock } = this.#service;
    const now = clock.now();
    const { keepAlive } = this.#dialect;
    if (now >= this.#endBy) {
      this.#finish();
      return;
    }
    if (keepAlive !== undefined && now - this.#saidAt >= keepAlive.everyMs && this.#link.state === 'up') this.#say([keepAlive.message]);
    this.#settle();
    if (!this.#queue.isOver) this.#tick = clock.at(now + TICK_MS, this.#look);
  };

  #finish(error?: Error): void {
    if (this.#queue.isOver) return;
    this.#queue.end(error);
    this.#tick?.cancel();
    this.#link.close();
    this.#signal?.removeEventListener('abort', this.close);
  }
}
