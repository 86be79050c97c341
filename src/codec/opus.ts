// Opus through libopus: 8 to 48 kHz, forward error correction and concealment included (RFC 6716, RTP payload RFC 7587).
import { OptionError, SipBotError } from '../errors.js';
import type { CodecOptions, Decoder, Encoder, FormatParameters } from './codec.js';
import { largestPayload, longestPacketSamples, type OpusLibrary, opusLibrary } from './opus-library.js';

// Requests of opus_defines.h.
const application = { voip: 2048 } as const;
const set = {
  bitrate: 4002,
  maxBandwidth: 4004,
  vbr: 4006,
  complexity: 4010,
  inbandFec: 4012,
  packetLoss: 4014,
  dtx: 4016,
  reset: 4028,
} as const;
/** OPUS_BANDWIDTH_*, by the sample rate that just holds them (RFC 6716 Table 1). */
const bandwidths = [
  [8000, 1101],
  [12000, 1102],
  [16000, 1103],
  [24000, 1104],
  [48000, 1105],
] as const;
/** Loss to be armed against until reports tell (`expectLoss`); with 0 the encoder would put no copies in. */
const presumedLossPercent = 5;
/** The library's own default, 9, takes more than twice the time a frame. */
const complexity = 3;

/** RFC 6716 §3.1 Table 2: the length of a frame by the upper five bits of the first byte, in samples of 48 kHz. */
function frameTicks(toc: number): number {
  const config = toc >> 3;
  if (config < 12) return [480, 960, 1920, 2880][config & 3]!;
  if (config < 16) return config & 1 ? 960 : 480;
  return 120 << (config & 3);
}

/** The length of a packet in samples of 48 kHz; 0 for what is none (RFC 6716 §3.2, §3.4). */
export function opusPacketTicks(payload: Uint8Array, offset: number, length: number): number {
  if (length < 1) return 0;
  const toc = payload[offset]!;
  const code = toc & 3;
  if (code === 3 && length < 2) return 0;
  const frames = code === 0 ? 1 : code < 3 ? 2 : payload[offset + 1]! & 63;
  const ticks = frames * frameTicks(toc);
  return ticks <= longestPacketSamples ? ticks : 0;
}

/** What we ask of the far end in `a=fmtp` (RFC 7587 §6.1): no more bandwidth than is heard here, and copies against loss. */
export function opusFormat(sampleRate: number): FormatParameters {
  const limits = sampleRate < 48000 ? { maxplaybackrate: `${sampleRate}`, 'sprop-maxcapturerate': `${sampleRate}` } : {};
  return { ...limits, useinbandfec: '1' };
}

function resolveRate({ sampleRate = 48000 }: CodecOptions): number {
  if (!bandwidths.some(([rate]) => rate === sampleRate))
    throw new OptionError('sampleRate', 'for Opus, 8000, 12000, 16000, 24000 or 48000');
  return sampleRate;
}

/** A whole number within its range, else undefined: a far end's nonsense is as good as nothing. */
function parameter(fmtp: FormatParameters | undefined, name: string, from: number, to: number): number | undefined {
  const text = fmtp?.[name];
  const value = text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && value <= to ? value : undefined;
}

function fail(what: string): never {
  throw new SipBotError('ERR_CODEC', `Opus: ${what}`);
}

/** Memory in the library that JavaScript's collector does not see: given back by `close`, or when the codec itself is collected. */
class State {
  static readonly #forgotten = new FinalizationRegistry<{ readonly library: OpusLibrary; readonly at: number }>(({ library, at }) => {
    library.calls.free(at);
  });
  readonly library = opusLibrary();
  at: number;

  constructor(bytes: number) {
    this.at = this.library.calls.malloc(bytes);
    if (this.at === 0) fail('out of memory');
    State.#forgotten.register(this, { library: this.library, at: this.at }, this);
  }

  free(): void {
    if (this.at === 0) return;
    State.#forgotten.unregister(this);
    this.library.calls.free(this.at);
    this.at = 0;
  }

  /** A codec that was closed would write into memory that is another's by now. */
  get open(): number {
    return this.at || fail('used after close');
  }
}

export class OpusEncoder implements Encoder {
  readonly sampleRate: number;
  readonly clockRate = 48000;
  readonly #state: State;
  readonly #isDtx: boolean;

  /** `fmtp` is the far end's: it says what that end wants to receive. */
  constructor(options: CodecOptions = {}) {
    this.sampleRate = resolveRate(options);
    const { calls } = opusLibrary();
    this.#state = new State(calls.opus_encoder_get_size(1));
    if (calls.opus_encoder_init(this.#state.at, this.sampleRate, 1, application.voip) !== 0) fail('the encoder did not start');
    const { fmtp } = options;
    const heard = Math.min(this.sampleRate, parameter(fmtp, 'maxplaybackrate', 8000, 48000) ?? 48000);
    const [, bandwidth] = bandwidths.find(([rate]) => rate >= heard)!;
    this.#isDtx = parameter(fmtp, 'usedtx', 0, 1) === 1;
    this.#set(set.maxBandwidth, bandwidth);
    this.#set(set.bitrate, Math.min(defaultBitrate(heard), parameter(fmtp, 'maxaveragebitrate', 6000, 510_000) ?? 510_000));
    this.#set(set.vbr, parameter(fmtp, 'cbr', 0, 1) === 1 ? 0 : 1);
    this.#set(set.dtx, this.#isDtx ? 1 : 0);
    this.#set(set.complexity, complexity);
    this.#set(set.inbandFec, parameter(fmtp, 'useinbandfec', 0, 1) ?? 0);
    this.expectLoss(presumedLossPercent);
  }

  /** `count` is 2.5, 5, 10, 20, 40 or 60 ms of samples. */
  encode(samples: Int16Array, count: number, out: Uint8Array, offset: number): number {
    const { library, open } = this.#state;
    const room = Math.min(out.length - offset, largestPayload);
    if (count > longestPacketSamples) fail(`${count} samples are too many at once`);
    for (let i = 0; i < count; i++) library.samples[i] = samples[i]!;
    const length = library.calls.opus_encode(open, library.samplesAt, count, library.payloadAt, room);
    if (length < 0) fail(`${count} samples to at most ${room} bytes: takes 2.5, 5, 10, 20, 40 or 60 ms at once (error ${length})`);
    // RFC 7587 §3.1.3; opus_encode(3): a packet of two bytes or less need not be sent.
    if (this.#isDtx && length <= 2) return 0;
    for (let i = 0; i < length; i++) out[offset + i] = library.payload[i]!;
    return length;
  }

  expectLoss(percent: number): void {
    this.#set(set.packetLoss, Math.round(Math.min(100, Math.max(0, percent))));
  }

  reset(): void {
    this.#set(set.reset, 0);
  }

  close(): void {
    this.#state.free();
  }

  #set(request: number, value: number): void {
    const { library, open } = this.#state;
    if (library.calls.opus_encoder_ctl_set(open, request, value) !== 0) fail(`the encoder refuses ${request} = ${value}`);
  }
}

/** RFC 7587 §3.1.1: where speech of that bandwidth needs no more; the copies against loss are taken from it. */
function defaultBitrate(sampleRate: number): number {
  return sampleRate <= 8000 ? 16_000 : sampleRate <= 16000 ? 28_000 : sampleRate <= 24000 ? 36_000 : 40_000;
}

export class OpusDecoder implements Decoder {
  readonly sampleRate: number;
  readonly clockRate = 48000;
  readonly #state: State;

  constructor(options: CodecOptions = {}) {
    this.sampleRate = resolveRate(options);
    const { calls } = opusLibrary();
    // One channel: the library mixes what comes in two (RFC 7587 §6.1: every receiver must take stereo).
    this.#state = new State(calls.opus_decoder_get_size(1));
    if (calls.opus_decoder_init(this.#state.at, this.sampleRate, 1) !== 0) fail('the decoder did not start');
  }

  samplesIn(payload: Uint8Array, offset: number, length: number): number {
    return (opusPacketTicks(payload, offset, length) * this.sampleRate) / 48000;
  }

  decode(payload: Uint8Array, offset: number, length: number, out: Int16Array, at: number): number {
    const count = this.samplesIn(payload, offset, length);
    if (count === 0 || count > out.length - at || length > largestPayload || !this.#hand(payload, offset, length)) return 0;
    return this.#take(length, count, 0, out, at);
  }

  conceal(out: Int16Array, at: number, count: number, next?: Uint8Array, offset = 0, length = 0): number {
    // The library fills multiples of 2.5 ms, up to 120.
    const unit = this.sampleRate / 400;
    const wanted = Math.min(count, out.length - at, 48 * unit);
    const whole = wanted - (wanted % unit);
    // The packet after the gap may hold a coarser copy of the one before it (RFC 6716 §2.1.7); what is older is made up.
    const isCopy =
      next !== undefined && length <= largestPayload && this.samplesIn(next, offset, length) > 0 && this.#hand(next, offset, length);
    let made = whole === 0 ? 0 : this.#take(isCopy ? length : 0, whole, isCopy ? 1 : 0, out, at);
    if (made === 0 && isCopy && whole > 0) made = this.#take(0, whole, 0, out, at);
    if (made < wanted) out.fill(0, at + made, at + wanted);
    return wanted;
  }

  reset(): void {
    const { library, open } = this.#state;
    library.calls.opus_decoder_ctl_set(open, set.reset, 0);
  }

  close(): void {
    this.#state.free();
  }

  #hand(payload: Uint8Array, offset: number, length: number): boolean {
    if (length < 1 || offset + length > payload.length) return false;
    const target = this.#state.library.payload;
    for (let i = 0; i < length; i++) target[i] = payload[offset + i]!;
    return true;
  }

  /** Decodes what was handed over; 0 when it is no Opus after all. */
  #take(length: number, count: number, fec: 0 | 1, out: Int16Array, at: number): number {
    const { library, open } = this.#state;
    const made = library.calls.opus_decode(open, length > 0 ? library.payloadAt : 0, length, library.samplesAt, count, fec);
    for (let i = 0; i < made; i++) out[at + i] = library.samples[i]!;
    return Math.max(0, made);
  }
}
