/**
 * Several calls that hear each other: everyone hears everyone but themselves. No clock of its own: it mixes when every member that speaks
 * has brought a frame, or when one has brought two and others are held or late; so nobody's audio waits longer than one frame.
 */
import { Resampler } from '../codec/resample.js';
import { OptionError } from '../errors.js';
import { LiveLag } from '../session/live-lag.js';
import type { AudioFrame } from './audio.js';
import type { Call } from './call.js';
import { SafeEmitter } from './safe-emitter.js';

export interface ConferenceOptions {
  /** What the room mixes at; members of another rate are converted. @default 16000 */
  readonly sampleRate?: 8000 | 16000 | 24000 | 48000;
  /** @default no limit */
  readonly maxMembers?: number;
}

export interface ConferenceEvents {
  joined: [call: Call];
  left: [call: Call];
}

/** A member's frames beyond this are late: the oldest go. */
const MAX_WAITING_FRAMES = 3;
/** A member with so much queued (a prompt, a slow start) gets no mix on top. */
const MAX_QUEUED_MS = 200;

class Member {
  readonly call: Call;
  readonly waiting: Int16Array[] = [];
  isMuted = false;
  isDeaf = false;
  readonly #toRoom: Resampler | undefined;
  readonly #fromRoom: Resampler | undefined;
  readonly #lag = new LiveLag();
  readonly #onFrame: (member: Member) => void;
  readonly #onEnded: () => void;

  constructor(call: Call, roomRate: number, onFrame: (member: Member) => void, onEnded: () => void) {
    this.call = call;
    if (call.audio.sampleRate !== roomRate) {
      this.#toRoom = new Resampler(call.audio.sampleRate, roomRate);
      this.#fromRoom = new Resampler(roomRate, call.audio.sampleRate);
    }
    this.#onFrame = onFrame;
    this.#onEnded = onEnded;
    call.audio.on('frame', this.#hear);
    call.on('ended', onEnded);
  }

  leave(): void {
    this.call.audio.off('frame', this.#hear);
    this.call.off('ended', this.#onEnded);
  }

  hear(mix: Int16Array): void {
    const { audio, state } = this.call;
    if (this.isDeaf || state === 'ended' || audio.queuedMs > MAX_QUEUED_MS) return;
    const samples = convert(this.#fromRoom, mix);
    if (!this.#lag.canDrop(samples, audio.frameMs, audio.queuedMs)) audio.write(samples);
  }

  readonly #hear = ({ samples }: AudioFrame): void => {
    this.waiting.push(this.#atRoomRate(samples));
    if (this.waiting.length > MAX_WAITING_FRAMES) this.waiting.shift();
    this.#onFrame(this);
  };

  #atRoomRate(samples: Int16Array): Int16Array {
    return convert(this.#toRoom, samples);
  }
}

export class Conference extends SafeEmitter<ConferenceEvents> {
  readonly sampleRate: number;
  readonly #maxMembers: number;
  readonly #members = new Map<Call, Member>();
  #sum = new Int32Array(0);

  constructor(options: ConferenceOptions = {}) {
    super();
    this.sampleRate = options.sampleRate ?? 16_000;
    this.#maxMembers = options.maxMembers ?? Number.POSITIVE_INFINITY;
    if (![8000, 16_000, 24_000, 48_000].includes(this.sampleRate))
      throw new OptionError('sampleRate', 'must be 8000, 16000, 24000 or 48000');
  }

  get members(): readonly Call[] {
    return [...this.#members.keys()];
  }

  /** From its next frame on. A call leaves by itself when it ends. */
  add(call: Call): void {
    if (this.#members.has(call) || call.state === 'ended') return;
    if (this.#members.size >= this.#maxMembers) throw new OptionError('maxMembers', `the room holds ${this.#maxMembers}`);
    const member = new Member(
      call,
      this.sampleRate,
      () => this.#mixWhenReady(),
      () => this.remove(call),
    );
    this.#members.set(call, member);
    this.emit('joined', call);
  }

  remove(call: Call): void {
    const member = this.#members.get(call);
    if (member === undefined) return;
    member.leave();
    this.#members.delete(call);
    this.emit('left', call);
  }

  /** What it says is not heard. */
  mute(call: Call, isMuted = true): void {
    const member = this.#members.get(call);
    if (member !== undefined) member.isMuted = isMuted;
  }

  /** It does not hear the room. */
  deafen(call: Call, isDeaf = true): void {
    const member = this.#members.get(call);
    if (member !== undefined) member.isDeaf = isDeaf;
  }

  /** Everyone leaves; the calls go on. */
  close(): void {
    for (const call of this.members) this.remove(call);
  }

  protected override onListenerFailed(_event: keyof ConferenceEvents, error: unknown, [call]: readonly unknown[]): void {
    (call as Call).fail(error);
  }

  #mixWhenReady(): void {
    const members = [...this.#members.values()];
    const isEveryoneHere = members.every(({ waiting }) => waiting.length > 0);
    if (!isEveryoneHere && !members.some(({ waiting }) => waiting.length > 1)) return;
    const frames = members.map((member) => ({ member, said: member.waiting.shift() }));
    const length = Math.max(...frames.map(({ said }) => said?.length ?? 0));
    if (this.#sum.length < length) this.#sum = new Int32Array(length);
    const sum = this.#sum.fill(0, 0, length);
    for (const { member, said } of frames) {
      if (said === undefined || member.isMuted) continue;
      for (let i = 0; i < said.length; i++) sum[i]! += said[i]!;
    }
    for (const { member, said } of frames) {
      const mix = new Int16Array(length);
      const own = member.isMuted ? undefined : said;
      for (let i = 0; i < length; i++) mix[i] = clip(sum[i]! - (own?.[i] ?? 0));
      member.hear(mix);
    }
  }
}

function clip(sample: number): number {
  return sample > 32_767 ? 32_767 : sample < -32_768 ? -32_768 : sample;
}

function convert(resampler: Resampler | undefined, samples: Int16Array): Int16Array {
  if (resampler === undefined) return samples;
  const out = new Int16Array(resampler.maxOutput(samples.length));
  return out.subarray(0, resampler.process(samples, samples.length, out));
}
