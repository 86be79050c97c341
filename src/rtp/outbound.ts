/**
 * One stream's way out: what the bot wrote, mixed, resampled, encoded and put on the wire, one packet a turn. Silence goes out from the
 * start, so that pinholes open and the far end hears a line; timestamps follow the clock whatever was left out.
 */
import type { CodecName, Encoder } from '../codec/codec.js';
import { encoder } from '../codec/registry.js';
import { Resampler } from '../codec/resample.js';
import { type Tone, ToneGenerator } from '../codec/tones.js';
import type { DatagramSocket } from '../network.js';
import type { Random } from '../random.js';
import { cellsOf, ownPlace, type Place } from './cells.js';
import type { DtmfSender } from './dtmf-sender.js';
import { DTMF, HEARD, SILENCE } from './frame-ring.js';
import type { FrameTap } from './frame-tap.js';
import { RTP_HEADER_BYTES, writeRtp } from './header.js';
import { measure, takeLevelDbov } from './level.js';
import { Turn } from './media-clock.js';
import type { PlayoutReader } from './playout-reader.js';
import { add16, add32, diff32 } from './sequence.js';
import { codecOptions, describeFormat, type PayloadFormat, packetMs } from './stream-parameters.js';
import type { SrtpContext } from './stream-seams.js';

/** 60 ms at 48 kHz, and what a resampler may add. */
const MOST_SAMPLES = 3200;
/** How fast the sound falls to nothing where the bot's audio stops short, in samples at 8 kHz. */
const FADE_SAMPLES_AT_8K = 24;

/** RFC 3389: so long after the last sound comfort noise takes the place of silence. */
const QUIET_BEFORE_NOISE_MS = 200;
const NOISE_EVERY_MS = 400;
/** -65 dBov: a quiet room. */
const NOISE_LEVEL = 65;

const spoken = new Int16Array(MOST_SAMPLES);
const under = new Int16Array(MOST_SAMPLES);
const resampled = new Int16Array(MOST_SAMPLES);

const State = cellsOf(
  'ssrc',
  'sequence',
  'timestamp',
  // Of the tones that go out as events, in their clock; it stands still between them.
  'eventTime',
  // The last sample that was sent.
  'last',
  // How long nothing has been written: after a while it is said once, and then now and again.
  'quietMs',
  'sentPackets',
  'sentBytes',
  'sentAt',
  'sentTimestamp',
  'refused',
  'emptySlots',
  'skipped',
  // The level of what leaves.
  'energy',
  'samples',
  'clipped',
);

/** One for all streams of a thread, moved to the numbers of the one that has its turn. */
const state = new State(ownPlace(State.size));

interface InbandTones {
  readonly generator: ToneGenerator;
  readonly onDone: () => void;
}

export interface OutboundOptions {
  /** Room for `Outbound.cells`, `from` numbers behind its beginning. */
  readonly place: Place;
  readonly from: number;
  readonly sampleRate: number;
  readonly speech: PlayoutReader;
  /** Source, first sequence number and first timestamp are drawn (RFC 3550 §5.1). */
  readonly random: Random;
  readonly socket: DatagramSocket;
  /** What somebody waits for was played. */
  readonly onPassed: () => void;
  readonly onEmptySlot: () => void;
  readonly onFailed: (error: Error) => void;
}

export class Outbound extends Turn {
  static readonly cells = State.size;
  readonly kind = 'departure';
  /** RFC 4733 tones, asked before anything else. */
  events: DtmfSender | undefined;
  eventPayloadType = -1;
  eventClockRate = 8000;
  /** RFC 3389: comfort noise in place of silence; -1 when it was not agreed. */
  noisePayloadType = -1;
  background: PlayoutReader | undefined;
  /** Hears what leaves, at the bot's rate. */
  tap: FrameTap | undefined;
  /** False: silence from us, RTCP apart; what is written waits. */
  sending = false;
  protect: SrtpContext | undefined;
  readonly #numbers: Float64Array;
  readonly #at: number;
  readonly #speech: PlayoutReader;
  readonly #sampleRate: number;
  readonly #socket: DatagramSocket;
  readonly #onPassed: () => void;
  readonly #onEmptySlot: () => void;
  readonly #onFailed: (error: Error) => void;
  #address = '';
  #port = 0;
  #format: PayloadFormat | undefined;
  #encoder: Encoder | undefined;
  #resampler: Resampler | undefined;
  #payloadType = 0;
  #packetMs = 20;
  #ticks = 160;
  #clockRate = 8000;
  /** At the bot's rate. */
  #samples = 160;
  /** Two packets take turns: one may still be on its way out when the next is written. */
  #odd = Buffer.alloc(0);
  #even = Buffer.alloc(0);
  #isEven = false;
  /** The first packet after silence says so (RFC 3551 §4.1). */
  #marker = true;
  /** Tones in the audio, where telephone-event was not agreed. */
  #tones: InbandTones[] | undefined;

  constructor(options: OutboundOptions) {
    super();
    this.#sampleRate = options.sampleRate;
    this.#speech = options.speech;
    this.#socket = options.socket;
    this.#onPassed = options.onPassed;
    this.#onEmptySlot = options.onEmptySlot;
    this.#onFailed = options.onFailed;
    this.#numbers = options.place.numbers;
    this.#at = options.place.at + options.from;
    const s = this.#s();
    s.clear();
    s.ssrc = options.random.uint32();
    // RFC 4568 §6.4: below 2^15, so that no wrap comes before the far end has heard us.
    s.sequence = options.random.uint32() & 0x7fff;
    s.timestamp = options.random.uint32();
  }

  /** To be used at once: whatever calls out may move it. */
  #s(): typeof state {
    state.numbers = this.#numbers;
    state.at = this.#at;
    return state;
  }

  /** What is counted, and what sender reports tell of the last packet; to be read at once. */
  get figures(): Readonly<typeof state> {
    return this.#s();
  }

  get ssrc(): number {
    return this.#s().ssrc;
  }

  set ssrc(ssrc: number) {
    this.#s().ssrc = ssrc;
  }

  /** How loud it was since it was last asked. */
  takeLevelDbov(): number {
    return takeLevelDbov(this.#s());
  }

  /** The socket would not have a packet. */
  noteRefused(): void {
    this.#s().refused++;
  }

  get codec(): CodecName | undefined {
    return this.#format?.codec;
  }

  get packetMs(): number {
    return this.#packetMs;
  }

  get clockRate(): number {
    return this.#clockRate;
  }

  /** Where to send from the next packet on. */
  aim(address: string, port: number): void {
    this.#address = address;
    // Read from where numbers may have fractions, and not to be one of those: each is a box to V8.
    this.#port = port | 0;
  }

  /** What to send from the next packet on. The same format again keeps the encoder and its memory. */
  use(format: PayloadFormat, overhead: number): void {
    const description = describeFormat(format);
    this.#packetMs = packetMs(format, description);
    const known = this.#format;
    const isSame =
      known !== undefined &&
      known.codec === format.codec &&
      known.sampleRate === format.sampleRate &&
      known.channels === format.channels &&
      JSON.stringify(known.fmtp) === JSON.stringify(format.fmtp);
    if (!isSame) {
      this.#encoder?.close();
      this.#encoder = encoder(format.codec, codecOptions(format, this.#sampleRate));
      const { sampleRate, clockRate } = this.#encoder;
      this.#resampler = sampleRate === this.#sampleRate ? undefined : new Resampler(this.#sampleRate, sampleRate);
      this.#clockRate = clockRate;
    }
    this.#format = format;
    this.#payloadType = format.payloadType;
    this.#ticks = (this.#clockRate / 1000) * this.#packetMs;
    this.#samples = (this.#sampleRate / 1000) * this.#packetMs;
    // A resampler to 44.1 kHz gives a sample more now and one less later.
    const rounding = description.sampleRate % 8000 === 0 ? 0 : 2 * description.channels;
    const bytes = RTP_HEADER_BYTES + Math.max(description.bytesPer(this.#packetMs) + rounding, 16) + overhead;
    if (this.#even.length >= bytes) return;
    this.#even = Buffer.alloc(bytes);
    this.#odd = Buffer.alloc(bytes);
  }

  skip(turns: number): void {
    this.#s().skipped += turns;
    this.#pass(turns);
    this.#marker = true;
  }

  /** A key that is down stays down meanwhile: were its clock to stand still, the timestamp that names the press would change, and be another. */
  #pass(turns: number): void {
    const s = this.#s();
    s.timestamp = add32(s.timestamp, turns * this.#ticks);
    if (this.events?.isActive === true) s.eventTime = add32(s.eventTime, (turns * this.#packetMs * this.eventClockRate) / 1000);
  }

  take(now: number): void {
    if (!this.sending || this.#encoder === undefined) {
      this.#pass(1);
      this.#marker = true;
      this.#s().last = 0;
      this.tap?.silence(this.#samples, SILENCE);
      return;
    }
    if (this.events?.isActive) this.#sendEvent(this.events, now);
    else this.#sendAudio(now);
    const s = this.#s();
    s.timestamp = add32(s.timestamp, this.#ticks);
  }

  fail(error: Error): void {
    this.#onFailed(error);
  }

  close(): void {
    this.#encoder?.close();
    this.#encoder = undefined;
    this.sending = false;
  }

  /** Tones in the audio itself; `onDone` when the last of them has been encoded. */
  playTones(tone: Tone, onDone: () => void): void {
    this.#tones ??= [];
    this.#tones.push({ generator: new ToneGenerator(tone, this.#sampleRate), onDone });
  }

  #sendAudio(now: number): void {
    const count = this.#samples;
    let played = 0;
    const tones = this.#tones;
    if (tones !== undefined) this.#fillTones(tones, count);
    else played = this.#gather(count);
    if (this.noisePayloadType >= 0 && this.#isQuiet()) {
      this.tap?.silence(count, SILENCE);
      this.#sendNoise(now);
      return;
    }
    this.tap?.write(spoken, count, tones !== undefined ? DTMF : this.#s().quietMs > 0 ? SILENCE : HEARD);
    measure(this.#s(), spoken, count);
    let samples = spoken;
    let length = count;
    if (this.#resampler !== undefined) {
      length = this.#resampler.process(spoken, count, resampled);
      samples = resampled;
    }
    const packet = this.#nextPacket();
    const bytes = this.#encoder!.encode(samples, length, packet, RTP_HEADER_BYTES);
    if (bytes === 0) {
      this.#marker = true; // The codec's own silence (Opus DTX).
      return;
    }
    if (!this.#send(packet, bytes, this.#payloadType, this.#marker, this.#s().timestamp, now) && played > 0) this.#speech.dropped(played);
    this.#marker = false;
  }

  #fillTones(tones: InbandTones[], count: number): void {
    const { generator, onDone } = tones[0]!;
    const filled = generator.fill(spoken, count);
    const s = this.#s();
    s.quietMs = 0;
    s.last = 0;
    if (filled === count) return;
    spoken.fill(0, filled, count);
    tones.shift();
    if (tones.length === 0) this.#tones = undefined;
    onDone();
  }

  #nextPacket(): Buffer {
    this.#isEven = !this.#isEven;
    return this.#isEven ? this.#even : this.#odd;
  }

  #isQuiet(): boolean {
    return this.#s().quietMs > QUIET_BEFORE_NOISE_MS;
  }

  /** RFC 3389 §4: the level alone, at the beginning of the silence and then often enough to keep pinholes open. */
  #sendNoise(now: number): void {
    this.#marker = true;
    const { quietMs, timestamp } = this.#s();
    const since = quietMs - QUIET_BEFORE_NOISE_MS - this.#packetMs;
    if (since % NOISE_EVERY_MS >= this.#packetMs) return;
    const packet = this.#nextPacket();
    packet[RTP_HEADER_BYTES] = NOISE_LEVEL;
    this.#send(packet, 1, this.noisePayloadType, false, timestamp, now);
  }

  /** One packet of what the bot wrote in both lanes, in `spoken`; returns how much of the first lane is in it. */
  #gather(count: number): number {
    const played = this.#speech.take(spoken, count);
    const mixed = this.background === undefined ? 0 : this.background.take(under, count);
    const s = this.#s();
    if (played === 0 && mixed === 0) {
      s.emptySlots++;
      s.quietMs += this.#packetMs;
      this.#onEmptySlot();
    } else s.quietMs = 0;
    if (played < count) this.#fade(played, count, s.last);
    s.last = spoken[count - 1]!;
    for (let i = 0; i < mixed; i++) {
      const sum = spoken[i]! + under[i]!;
      spoken[i] = sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
    }
    return played;
  }

  /** Where the audio stops short, the last sample falls to nothing within 3 ms: cut off, it would click. */
  #fade(from: number, to: number, before: number): void {
    const last = from > 0 ? spoken[from - 1]! : before;
    const length = (FADE_SAMPLES_AT_8K * this.#sampleRate) / 8000;
    const step = last / length;
    let at = from;
    if (last !== 0) for (let i = 1; i < length && at < to; i++) spoken[at++] = last - step * i;
    spoken.fill(0, at, to);
  }

  /** The audio waits while a tone goes out, so that nothing of it is lost. */
  #sendEvent(events: DtmfSender, now: number): void {
    const packet = this.#nextPacket();
    const { eventTime, timestamp } = this.#s();
    const bytes = events.next(eventTime, packet, RTP_HEADER_BYTES);
    if (bytes > 0) {
      // The header's timestamp is of the audio's clock, whatever the events' own is (RFC 4733 §2.1 wants them the same).
      const ago = (diff32(eventTime, events.timestamp) * this.#clockRate) / this.eventClockRate;
      this.#send(packet, bytes, this.eventPayloadType, events.marker, add32(timestamp, -Math.round(ago)), now);
    }
    this.tap?.silence(this.#samples, DTMF);
    const s = this.#s();
    s.eventTime = add32(eventTime, (this.#packetMs * this.eventClockRate) / 1000);
    s.quietMs = 0;
    this.#marker = true;
  }

  #send(packet: Buffer, bytes: number, payloadType: number, marker: boolean, timestamp: number, now: number): boolean {
    const before = this.#s();
    const { refused } = before;
    outgoing.payloadType = payloadType;
    outgoing.marker = marker;
    outgoing.sequence = before.sequence;
    outgoing.timestamp = timestamp;
    outgoing.ssrc = before.ssrc;
    writeRtp(packet, outgoing);
    before.sequence = add16(before.sequence, 1);
    const { protect } = this;
    let length = RTP_HEADER_BYTES + bytes;
    if (protect !== undefined) length = protect.protectRtp(packet, length);
    if (length < 0) return false; // A sequence number used before must not be used again (RFC 3711 §9.1).
    this.#socket.send(exact(packet, length), 0, length, this.#port, this.#address);
    const s = this.#s();
    s.sentAt = now;
    s.sentTimestamp = timestamp;
    const isRefused = s.refused !== refused;
    if (!isRefused) {
      s.sentPackets++;
      s.sentBytes += bytes;
    }
    this.#noticePassed();
    return !isRefused;
  }

  #noticePassed(): void {
    const { background } = this;
    if (!this.#speech.passed && background?.passed !== true) return;
    this.#speech.passed = false;
    if (background !== undefined) background.passed = false;
    this.#onPassed();
  }
}

/** dgram copies nothing when it is given a Buffer that is the packet and no more; for one codec the length hardly ever changes. */
function exact(packet: Buffer, length: number): Buffer {
  return packet.length === length ? packet : packet.subarray(0, length);
}

/** Written over for every packet of every stream of the thread. */
const outgoing = { payloadType: 0, marker: false, sequence: 0, timestamp: 0, ssrc: 0 };
