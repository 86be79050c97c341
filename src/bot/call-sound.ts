/** What is heard and said in one call: its audio, the sounds played, the recordings. It begins with the call's media. */
import { OptionError, SipBotError } from '../errors.js';
import type { CapturedPacket } from '../rtp/packet-capture.js';
import type { CallSession } from '../session/call-session.js';
import { CallAudio } from './audio.js';
import type { CallHome } from './call.js';
import type { AudioOptions } from './options.js';
import { Player, type PlayerHost, type PlayOptions, type SoundSource } from './player.js';
import type { Playout } from './playout.js';
import { Recording, type RecordOptions } from './recorder.js';
import { type ResolvedAudio, resolveAudio } from './resolve-options.js';

export interface CallSoundHost extends Pick<PlayerHost, 'onDtmf' | 'onSpeech'> {
  readonly home: Pick<CallHome, 'logger' | 'audio'>;
  /** The application failed while it heard. */
  onThrown(error: unknown): void;
}

export class CallSound {
  readonly #session: CallSession;
  readonly #host: CallSoundHost;
  readonly #recordings = new Set<Recording>();
  #stopPumping: (() => void) | undefined;
  #audio: CallAudio | undefined;
  #format: ResolvedAudio;
  #player: Player | undefined;
  #onPacket: ((packet: CapturedPacket) => void) | undefined;
  #isEnded = false;

  constructor(session: CallSession, host: CallSoundHost) {
    this.#session = session;
    this.#host = host;
    this.#format = host.home.audio;
    session.on('stream', () => this.#attach());
    if (session.stream !== undefined) this.#attach();
  }

  get format(): ResolvedAudio {
    return this.#format;
  }

  /** Its format is settled. */
  get isOpen(): boolean {
    return this.#audio !== undefined;
  }

  get audio(): CallAudio {
    return this.#audio ?? this.#open(this.#host.home.audio);
  }

  /** What the application wants to hear and say, from here on; it cannot be changed once it is in use. */
  choose(wanted: AudioOptions | undefined): ResolvedAudio {
    if (wanted === undefined) return this.#format;
    const format = resolveAudio('audio.', { ...this.#host.home.audio, ...wanted });
    const audio = this.#audio ?? this.#open(format);
    if (audio.sampleRate === format.sampleRate && audio.frameMs === format.frameMs) return format;
    throw new OptionError('audio', `this call's audio is in use already, at ${audio.sampleRate} Hz in frames of ${audio.frameMs} ms`);
  }

  play(source: SoundSource, options: PlayOptions): Playout {
    const { home, onDtmf, onSpeech } = this.#host;
    this.#player ??= new Player(this.audio, { logger: home.logger, onDtmf, onSpeech });
    if (this.#isEnded) this.#player.end();
    return this.#player.play(source, options);
  }

  record(path: string, options: RecordOptions): Recording {
    if (this.#isEnded) throw new SipBotError('ERR_CALL_ENDED', 'the call has ended: nothing can be recorded any more');
    const recording = new Recording(path, options, this.audio, (one) => this.#onRecorded(one));
    this.#recordings.add(recording);
    this.#stopPumping ??= this.#session.onFrames(() => {
      for (const one of this.#recordings) one.pump();
    });
    const { stream } = this.#session;
    if (stream !== undefined) recording.attach(stream.incoming, stream.sent);
    return recording;
  }

  capture(onPacket: (packet: CapturedPacket) => void): () => void {
    this.#onPacket = onPacket;
    this.#session.stream?.capture(onPacket);
    return () => {
      if (this.#onPacket !== onPacket) return;
      this.#onPacket = undefined;
      this.#session.stream?.capture(undefined);
    };
  }

  end(): void {
    this.#isEnded = true;
    this.#player?.end();
    for (const recording of [...this.#recordings]) {
      recording.pump();
      recording.stop().catch((error: unknown) => {
        const { path } = recording;
        this.#host.home.logger.warn({ call: this.#session.id, path, error: String(error) }, 'recording failed');
      });
    }
    this.#audio?.end();
  }

  #onRecorded(recording: Recording): void {
    this.#recordings.delete(recording);
    if (this.#recordings.size > 0) return;
    this.#stopPumping?.();
    this.#stopPumping = undefined;
  }

  #open(format: ResolvedAudio): CallAudio {
    this.#format = format;
    const audio = new CallAudio({ onThrown: (error) => this.#host.onThrown(error), ...format });
    if (this.#isEnded) audio.end();
    this.#audio = audio;
    return audio;
  }

  #attach(): void {
    const { stream } = this.#session;
    if (stream === undefined) return;
    const { audio } = this;
    audio.attach(stream);
    if (this.#onPacket !== undefined) stream.capture(this.#onPacket);
    this.#player?.attach();
    for (const recording of this.#recordings) recording.attach(stream.incoming, stream.sent);
    this.#session.onFrames(audio.onFrames);
  }
}
