/** One connection of an AudioSocket server: a call of Asterisk's, of which we have the sound and the keys. Twenty milliseconds go out on every twentieth. */
import type { Clock, Timer } from '../../clock.js';
import { type DtmfDigit, isDtmfDigit } from '../../codec/dtmf-keypad.js';
import { mixInto } from '../../codec/mix.js';
import type { Logger } from '../../log.js';
import type { ByteStream } from '../../network.js';
import { FrameRing, FrameRingWriter, frameRingBytes, HEARD } from '../../rtp/frame-ring.js';
import { PlayoutReader } from '../../rtp/playout-reader.js';
import { PlayoutRing } from '../../rtp/playout-ring.js';
import { SharedViews } from '../../rtp/shared-views.js';
import { firstSegment, laneLayout } from '../../rtp/stream-memory.js';
import { type AudioLine, CallAudio } from '../audio.js';
import { PcmInput } from '../pcm-input.js';
import { Player, type PlayOptions } from '../player.js';
import type { Playout } from '../playout.js';
import { SafeEmitter } from '../safe-emitter.js';
import type { SoundSource } from '../sound.js';
import { soundWriter } from '../wire/sound-format.js';
import { type AudioSocketFrame, audioKindOf, dtmfKind, errorKind, hangupKind, rateOfKind, writeFrame } from './audiosocket-frames.js';

export interface AudioSocketCallEvents {
  dtmf: [digit: DtmfDigit];
  /** Exactly once, and the last. */
  ended: [end: { readonly by: 'local' | 'remote'; readonly reason: string }];
}

export interface AudioSocketCallOptions {
  /** As the dialplan named it. */
  readonly id: string;
  readonly stream: ByteStream;
  readonly sampleRate: 8000 | 16000 | 24000 | 48000;
  readonly clock: Clock;
  readonly logger: Logger;
}

const FRAME_MS = 20;
/** After a stall at most so much is made up for; what is older is skipped, as on a telephone line. */
const MAX_ARREARS_MS = 60;
/** A peer that does not read is no reason to keep its sound: beyond this nothing is sent. */
const MAX_QUEUED_BYTES = 64 * 1024;

export class AudioSocketCall extends SafeEmitter<AudioSocketCallEvents> {
  readonly id: string;
  readonly audio: CallAudio;
  readonly #options: AudioSocketCallOptions;
  readonly #line: Lines;
  readonly #player: Player;
  readonly #heard: PcmInput;
  readonly #frame: Int16Array;
  #filled = 0;
  #heardMs = 0;
  #dueAt: number;
  #timer: Timer | undefined;
  #skippedMs = 0;
  #isEnded = false;

  /** @internal: `AudioSocketServer` makes them. */
  constructor(options: AudioSocketCallOptions) {
    super();
    const { id, sampleRate, clock, logger } = options;
    this.id = id;
    this.#options = options;
    this.#heard = new PcmInput(sampleRate);
    this.#frame = new Int16Array((sampleRate * FRAME_MS) / 1000);
    this.#line = new Lines(sampleRate);
    this.audio = new CallAudio({ sampleRate, frameMs: FRAME_MS, onThrown: (error) => this.#fail(error) });
    this.audio.attach(this.#line);
    this.#player = new Player(this.audio, {
      logger,
      onDtmf: (listener) => {
        this.on('dtmf', listener);
        return () => void this.off('dtmf', listener);
      },
      onSpeech: () => () => {},
    });
    this.#dueAt = clock.now() + FRAME_MS;
    this.#timer = clock.at(this.#dueAt, this.#tick);
  }

  get remote(): { readonly address: string; readonly port: number } {
    return this.#options.stream.remote;
  }

  /** Of what was to be sent, and was not: we were late, or nobody read. */
  get skippedMs(): number {
    return this.#skippedMs;
  }

  play(source: SoundSource, options: PlayOptions = {}): Playout {
    return this.#player.play(source, options);
  }

  hangup(): void {
    if (this.#isEnded) return;
    const { stream } = this.#options;
    stream.write(writeFrame(hangupKind));
    this.#end('local', 'hung up');
    stream.end();
  }

  /** @internal */
  take({ kind, payload }: AudioSocketFrame): void {
    const rate = rateOfKind(kind);
    if (rate !== undefined) this.#hear(payload, rate);
    else if (kind === dtmfKind) {
      const digit = String.fromCharCode(payload[0] ?? 0).toUpperCase();
      if (isDtmfDigit(digit)) this.emit('dtmf', digit);
    } else if (kind === hangupKind) this.gone('it hung up');
    else if (kind === errorKind) this.gone(`it says error ${payload[0] ?? ''}`);
  }

  /** @internal: the far end has left. */
  gone(reason: string): void {
    this.#end('remote', reason);
    this.#options.stream.end();
  }

  protected override onListenerFailed(_event: keyof AudioSocketCallEvents, error: unknown): void {
    this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#options.logger.error({ call: this.id, error: String(error) }, 'a listener failed: its call is ended');
    this.hangup();
  }

  #hear(payload: Uint8Array, rate: number): void {
    const samples = this.#heard.take(payload, rate);
    const frame = this.#frame;
    for (let at = 0; at < samples.length; ) {
      const fits = Math.min(frame.length - this.#filled, samples.length - at);
      frame.set(samples.subarray(at, at + fits), this.#filled);
      this.#filled += fits;
      at += fits;
      if (this.#filled < frame.length) continue;
      this.#filled = 0;
      this.#line.writer.write(frame, 0, HEARD, this.#heardMs);
      this.#heardMs += FRAME_MS;
      this.audio.onFrames();
    }
  }

  readonly #tick = (): void => {
    if (this.#isEnded) return;
    const { clock } = this.#options;
    const late = clock.now() - this.#dueAt;
    if (late > MAX_ARREARS_MS) {
      const skipped = Math.floor(late / FRAME_MS) * FRAME_MS;
      this.#dueAt += skipped;
      this.#skippedMs += skipped;
    }
    this.#send();
    this.#dueAt += FRAME_MS;
    this.#timer = clock.at(this.#dueAt, this.#tick);
  };

  #send(): void {
    const { stream, sampleRate } = this.#options;
    if (stream.queuedBytes > MAX_QUEUED_BYTES) {
      this.#skippedMs += FRAME_MS;
      return;
    }
    stream.write(writeFrame(audioKindOf(sampleRate)!, this.#line.take()));
  }

  #end(by: 'local' | 'remote', reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#timer?.cancel();
    this.#player.end();
    this.audio.end();
    this.emit('ended', { by, reason });
    this.removeAllListeners();
  }
}

/** The rings of a call that has no media thread: both ends of them are here. */
class Lines implements AudioLine {
  readonly incoming: FrameRing;
  readonly writer: FrameRingWriter;
  readonly #sampleRate: number;
  readonly #count: number;
  readonly #front: Lane;
  readonly #write: (samples: Int16Array, count: number) => Uint8Array;
  readonly #out: Int16Array;
  readonly #mixed: Int16Array;
  #back: Lane | undefined;

  constructor(sampleRate: number) {
    const format = { sampleRate, frameMs: FRAME_MS };
    const views = new SharedViews(new SharedArrayBuffer(frameRingBytes(format)));
    this.incoming = new FrameRing(views, 0, format);
    this.writer = new FrameRingWriter(views, 0, format);
    this.#sampleRate = sampleRate;
    this.#count = (sampleRate * FRAME_MS) / 1000;
    this.#front = lane(sampleRate);
    this.#write = soundWriter({ encoding: 'pcm16', sampleRate });
    this.#out = new Int16Array(this.#count);
    this.#mixed = new Int16Array(this.#count);
  }

  get outgoing(): PlayoutRing {
    return this.#front.ring;
  }

  get background(): PlayoutRing {
    this.#back ??= lane(this.#sampleRate);
    return this.#back.ring;
  }

  /** The next frame, silence where nothing was said. */
  take(): Uint8Array {
    const out = this.#out;
    out.fill(0, this.#front.reader.take(out, this.#count));
    if (this.#back !== undefined) mixInto(out, this.#mixed, this.#back.reader.take(this.#mixed, this.#count));
    this.#front.ring.settle();
    this.#back?.ring.settle();
    return this.#write(out, this.#count);
  }
}

interface Lane {
  readonly ring: PlayoutRing;
  readonly reader: PlayoutReader;
}

function lane(sampleRate: number): Lane {
  const layout = laneLayout(sampleRate);
  const memory = new SharedArrayBuffer(layout.bytes);
  const views = new SharedViews(memory);
  const first = firstSegment(memory, layout.first, sampleRate);
  const reader = new PlayoutReader(views, layout.control, first);
  const ring = new PlayoutRing(views, layout.control, first, {
    sampleRate,
    maxQueueMs: 60_000,
    extend: (segment) => reader.extend(segment),
  });
  return { ring, reader };
}
