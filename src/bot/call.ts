/** One call, as an application sees it: who, what state, what to do with it, and its audio. A thin face over the session's call. */
import type { Clock } from '../clock.js';
import type { DtmfDigit } from '../codec/dtmf-keypad.js';
import { OptionError, SipBotError } from '../errors.js';
import type { Logger } from '../log.js';
import type { CapturedPacket } from '../rtp/packet-capture.js';
import { type Bridge, bridgeCalls } from '../session/bridge.js';
import type { CallEnd } from '../session/call-end.js';
import type { CallMessage as SessionMessage } from '../session/call-events.js';
import type { CallSession } from '../session/call-session.js';
import type { CallState } from '../session/call-state.js';
import { given } from '../session/given.js';
import type { TransferResult } from '../session/transfer.js';
import type { TransferRequest as SessionRequest } from '../session/transfer-request.js';
import type { HeaderEntry } from '../sip/message/headers.js';
import type { Uri } from '../sip/message/uri.js';
import type { CallAudio } from './audio.js';
import type { Bot } from './bot.js';
import type { CallEvents, CallStats } from './call-events.js';
import { CallFacts } from './call-facts.js';
import { CallSound } from './call-sound.js';
import { type Gathered, type GatherOptions, gather } from './gather.js';
import { type HeaderValues, headerEntries } from './header-values.js';
import type { AudioOptions } from './options.js';
import type { PlayOptions, SoundSource } from './player.js';
import type { Playout } from './playout.js';
import type { Recording, RecordOptions } from './recorder.js';
import type { ResolvedAudio } from './resolve-options.js';
import { transferTarget } from './routing.js';
import { SpeechWatch } from './speech-watch.js';
import { TransferRequest } from './transfer-request.js';
import type { AnswerOptions as AnswerDetectorOptions } from './turns/answer-detector.js';
import { type AnswerListener, listenForAnswer } from './turns/answering.js';
import type { SoundLevel } from './turns/ears.js';
import type { Listened, ListenOptions } from './turns/listening.js';
import type { Saying } from './turns/saying.js';
import type { Turn } from './turns/turn-log.js';
import { type AskOptions, type SayOptions, type SpeechOptions, Turns } from './turns/turns.js';

export type { CallEnd, CallState, DtmfDigit, TransferResult };

export interface AnswerOptions {
  readonly audio?: AudioOptions;
  readonly headers?: HeaderValues;
  readonly bot?: Bot;
}

export interface RingOptions {
  readonly headers?: HeaderValues;
  /** RFC 3262. @default 'ifSupported' for early media, else 'never' */
  readonly reliable?: 'never' | 'ifSupported' | 'always';
}

/** What a call needs of the bot it belongs to. */
export interface CallHome {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly audio: ResolvedAudio;
  readonly speech: SpeechOptions;
  /** A listener or bot of the application failed: said as `error` on the bot; the call is ended here. */
  onFailed(call: Call, error: unknown): void;
  /** Places a call that the far end asked for, by the bot's own ways out. */
  placeReferred(target: Uri, referredBy: string | undefined): CallSession;
  /** The face of a call. */
  callOf(session: CallSession): Call;
}

export class Call extends CallFacts {
  readonly #session: CallSession;
  readonly #home: CallHome;
  readonly #sound: CallSound;
  /** Made when somebody speaks or listens. */
  #turns: Turns | undefined;
  #speechWatch: SpeechWatch | undefined;
  #bot: Bot | undefined;
  #bridge: Bridge | undefined;
  #isEnded = false;

  /** @internal */
  constructor(session: CallSession, id: string, home: CallHome) {
    super(session, id);
    this.#session = session;
    this.#home = home;
    this.#sound = new CallSound(session, {
      home,
      onSpeech: (listener) => this.#listen('speechStart', listener),
      onDtmf: (listener) => this.#listen('dtmf', listener),
      onThrown: (error) => this.fail(error),
    });
    this.#follow();
  }

  /** Of the audio that the bot hears and writes; constant whatever the codec becomes. */
  get sampleRate(): number {
    return this.#sound.format.sampleRate;
  }

  /** @internal: for the bots of this house, which live on their call's clock and in its log. */
  get home(): Pick<CallHome, 'clock' | 'logger'> {
    return this.#home;
  }

  // ── What to do with it ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** 180. */
  ring(options: RingOptions = {}): Promise<void> {
    return quietly(this.#session.ring(progressOptions(options)));
  }

  /** 183 with early media: what is written or played is heard before the answer. */
  progress(options: RingOptions & { readonly audio?: AudioOptions } = {}): Promise<void> {
    this.#session.useAudio(this.#sound.choose(options.audio));
    return quietly(this.#session.progress(progressOptions(options)));
  }

  /** Resolves when the ACK is in; never waits for the peer's RTP. Rejects CallError when the caller cancelled, or no ACK came. */
  answer(options: AnswerOptions = {}): Promise<void> {
    this.#sound.choose(options.audio);
    const headers = headerEntries('headers', options.headers);
    if (options.bot !== undefined) this.use(options.bot);
    const audio = this.#sound.format;
    return quietly(this.#session.answer({ audio, headers }));
  }

  reject(status = 486, reason?: string, options: { readonly headers?: HeaderValues } = {}): void {
    this.#session.reject(status, reason, { headers: headerEntries('headers', options.headers) });
  }

  /** 302: the caller is asked to try there. */
  redirect(target: string | readonly string[], options: { readonly status?: number; readonly headers?: HeaderValues } = {}): void {
    this.#session.redirect(target, { ...given({ status: options.status }), headers: headerEntries('headers', options.headers) });
  }

  /** `reason` becomes a Reason header (RFC 3326) as it stands, such as 'Q.850;cause=16'. Resolves when the call has ended. */
  hangup(options: { readonly reason?: string; readonly headers?: HeaderValues } = {}): Promise<void> {
    return quietly(this.#session.hangup({ headers: headerEntries('headers', options.headers), ...given({ reason: options.reason }) }));
  }

  hold(): Promise<void> {
    return quietly(this.#session.hold());
  }

  resume(): Promise<void> {
    return quietly(this.#session.resume());
  }

  /** Blind to a URI or to a number where the far end is, attended to the far end of another call. */
  transfer(target: string | Call, options: { readonly fallback?: 'none' | 'bridge' } = {}): Promise<TransferResult> {
    const { direction, from, to } = this.#session;
    const there = target instanceof Call ? target.#session : transferTarget(target, (direction === 'in' ? from : to).uri);
    return quietly(this.#session.transfer(there, options));
  }

  /** The two parties hear each other, codecs converted, until one hangs up or `stop` is called. */
  async bridge(other: Call): Promise<Bridge> {
    if (other === this) throw new OptionError('other', 'a call cannot be bridged with itself');
    this.#bridge?.stop();
    const bridge = bridgeCalls(this.#session, other.#session);
    this.#bridge = bridge;
    return bridge;
  }

  /** Resolves when the last tone is out. */
  sendDtmf(
    digits: string,
    options: { readonly via?: 'auto' | 'info'; readonly durationMs?: number; readonly gapMs?: number } = {},
  ): Promise<void> {
    return quietly(this.#session.sendDtmf(digits, options));
  }

  /** Text within the call (RFC 3428). */
  message(text: string, options: { readonly contentType?: string } = {}): Promise<void> {
    return quietly(this.#session.message(text, options));
  }

  gather(options: GatherOptions<SoundSource> = {}): Promise<Gathered> {
    return gather<SoundSource>(
      {
        clock: this.#home.clock,
        isEnded: this.#isEnded,
        play: (prompt) => this.play(prompt),
        onDtmf: (listener) => this.#listen('dtmf', listener),
        onEnded: (listener) => this.#listen('ended', listener),
      },
      options,
    );
  }

  /** Packets, loss, jitter, round trip, late, concealed, MOS both ways, departure lateness; undefined before there is media. */
  stats(): CallStats | undefined {
    const stream = this.#session.stream;
    return stream === undefined ? undefined : { departure: stream.departure(), ...stream.stats() };
  }

  // ── Its audio ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get audio(): CallAudio {
    return this.#sound.audio;
  }

  /** A file, its bytes, samples, a stream of them, or a tone. */
  play(source: SoundSource, options: PlayOptions = {}): Playout {
    return this.#sound.play(source, options);
  }

  /** Speech for this call: a voice, a recogniser, ears; over what the bot's option `speech` says. */
  useSpeech(options: SpeechOptions): void {
    this.#conversation().use(options);
  }

  /** Speaks a text, or one that is still being written, behind what was said before; the caller may interrupt it. */
  say(text: string | AsyncIterable<string>, options: SayOptions = {}): Saying {
    return this.#conversation().say(text, options);
  }

  /** The caller's next utterance, begun or to come: in words where there is a recogniser. */
  listen(options: ListenOptions = {}): Promise<Listened> {
    return this.#conversation().listen(options);
  }

  /** Says a question, listens for the answer, and asks again when there is none. */
  ask(question: string, options: AskOptions = {}): Promise<Listened> {
    return this.#conversation().ask(question, options);
  }

  /**
   * Of a call out, from `onCall` of `dial` or later: person, machine or fax, and when the machine has beeped. Early media is listened to as well.
   */
  answeredBy(options: AnswerDetectorOptions = {}): AnswerListener {
    return listenForAnswer(
      {
        audio: this.audio,
        isAnswered: this.state === 'answered' || this.state === 'held',
        isEnded: this.#isEnded,
        onAnswered: (listener) => this.#listen('answered', listener),
        onEnded: (listener) => this.#listen('ended', listener),
      },
      options,
    );
  }

  /** Who said what, and how long the caller waited: of what went through `say` and `listen`. */
  get turns(): readonly Turn[] {
    return this.#conversation().log.turns;
  }

  /** How loud the caller is; measured from the first look on. */
  get level(): SoundLevel {
    return this.#conversation().level;
  }

  record(path: string, options: RecordOptions = {}): Recording {
    return this.#sound.record(path, options);
  }

  /** Every RTP and RTCP packet as it is on the wire, from now on, to one listener; the result stops it. For traces: each packet costs a copy. */
  capture(onPacket: (packet: CapturedPacket) => void): () => void {
    return this.#sound.capture(onPacket);
  }

  /** Hands the call to a bot. `answer({ bot })` and the option `bot` do the same. */
  use(bot: Bot): void {
    if (this.#bot !== undefined) throw new SipBotError('ERR_STATE', 'this call has its bot already');
    this.#bot = bot;
    if (!this.#sound.isOpen) this.#sound.choose(bot.audio);
    if (bot.onAudio !== undefined) {
      this.audio.on('frame', (frame) => bot.onAudio?.(frame, this), { from: 'answer', borrow: bot.borrowsAudio === true });
    }
    if (bot.onDtmf !== undefined) this.on('dtmf', (digit) => bot.onDtmf?.(digit, this));
    if (this.#session.state === 'answered' || this.#session.state === 'held') this.#startBot();
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected override onListenerFailed(_event: keyof CallEvents, error: unknown): void {
    this.fail(error);
  }

  protected override onListening(event: keyof CallEvents): void {
    if (event === 'speechStart' || event === 'speechEnd' || event === 'silence') this.#watchSpeech();
    // Without anybody to decide or to understand, the session refuses by itself.
    if (event === 'transferRequest') this.#watchTransfers();
    if (event === 'message') this.#watchInfo();
  }

  #follow(): void {
    const session = this.#session;
    session.on('ringing', () => this.emit('ringing'));
    session.on('early', () => this.emit('early'));
    session.on('answered', () => {
      this.#startBot();
      this.emit('answered');
    });
    session.on('dtmf', (digit) => this.emit('dtmf', digit));
    session.on('held', (hold) => this.emit('held', hold));
    session.on('resumed', (hold) => this.emit('resumed', hold));
    session.on('message', ({ contentType, text }) => this.emit('message', { contentType, text, method: 'MESSAGE' }));
    session.on('transferProgress', (progress) => this.emit('transferProgress', progress));
    session.on('ended', (end) => this.#end(end));
  }

  /** @internal: the application failed on this call. It ends, and the bot says so; nothing else is disturbed. */
  fail(error: unknown): void {
    this.#home.onFailed(this, error);
    if (this.#isEnded) return;
    const isOffered = this.direction === 'in' && (this.state === 'ringing' || this.state === 'early');
    if (isOffered && !this.#session.isAnswering) this.#session.reject(500);
    else this.#session.hangup({ reason: 'SIP;cause=500;text="Application failed"' }).catch(() => {});
  }

  #startBot(): void {
    const bot = this.#bot;
    if (bot?.onStart === undefined) return;
    try {
      const started = bot.onStart(this);
      started?.catch?.((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  readonly #onTransferRequest = (request: SessionRequest): void => {
    this.emit('transferRequest', new TransferRequest(request, this.#home));
  };

  readonly #onInfo = ({ contentType, text }: SessionMessage): void => {
    this.emit('message', { contentType, text, method: 'INFO' });
  };

  #watchInfo(): void {
    this.#session.off('info', this.#onInfo);
    if (this.listenerCount('message') > 0) this.#session.on('info', this.#onInfo);
  }

  #watchTransfers(): void {
    this.#session.off('transferRequest', this.#onTransferRequest);
    if (this.listenerCount('transferRequest') > 0) this.#session.on('transferRequest', this.#onTransferRequest);
  }

  /** Listening for speech costs something: it begins with the first who wants to know, and ends with the last. */
  #watchSpeech(): void {
    const isWanted = this.listenerCount('speechStart') + this.listenerCount('speechEnd') + this.listenerCount('silence') > 0;
    if (!isWanted || this.#isEnded) {
      this.#speechWatch?.stop();
      return;
    }
    this.#speechWatch ??= new SpeechWatch({
      onStart: (timeMs) => this.emit('speechStart', { timeMs }),
      onEnd: (utterance) => {
        const { startMs, endMs } = utterance;
        this.emit('speechEnd', { timeMs: endMs, durationMs: endMs - startMs, utterance });
      },
      onSilence: (durationMs) => this.emit('silence', { durationMs }),
    });
    this.#speechWatch.start(this.#conversation().ears);
  }

  #conversation(): Turns {
    this.#turns ??= this.#makeTurns();
    return this.#turns;
  }

  #makeTurns(): Turns {
    return new Turns(
      {
        clock: this.#home.clock,
        logger: this.#home.logger,
        audio: () => this.audio,
        isEnded: () => this.#isEnded,
        play: (source, options) => this.play(source, options),
        onDtmf: (listener) => this.#listen('dtmf', listener),
        onEnded: (listener) => this.#listen('ended', listener),
        onTurn: (turn) => this.emit('turn', turn),
      },
      this.#home.speech,
    );
  }

  #listen<E extends 'dtmf' | 'speechStart' | 'answered' | 'ended'>(event: E, listener: (...args: CallEvents[E]) => void): () => void {
    const heard = listener as never;
    this.on(event, heard);
    return () => this.off(event, heard);
  }

  #end(end: CallEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#bridge?.stop();
    this.#turns?.end();
    this.#sound.end();
    this.#endBot(end);
    this.emit('ended', end);
    this.removeAllListeners();
  }

  #endBot(end: CallEnd): void {
    try {
      const told = this.#bot?.onEnd?.(end, this);
      told?.catch?.((error: unknown) => this.#home.onFailed(this, error));
    } catch (error) {
      this.#home.onFailed(this, error);
    }
  }
}

/**
 * The far end may end a call at any instant, and a promise that nobody awaits must not take the process with it: `ended` tells as well.
 * Whoever does await still gets the rejection.
 */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function progressOptions({ headers, reliable }: RingOptions): {
  readonly headers: readonly HeaderEntry[];
  readonly reliable?: 'never' | 'ifSupported' | 'always';
} {
  return { headers: headerEntries('headers', headers), ...given({ reliable }) };
}
