/**
 * Packets that wait, in a ring of slots by sequence number: memory of its own, made once and as wide as the packets are, so that nothing is
 * allocated as they come and go. A slot that is free still knows whose it was: so a duplicate is told from a packet that is late.
 */
import type { RtpHeader } from './header.js';

/** `noise`: comfort noise, RFC 3389. `event`: a telephone-event, RFC 4733, which fills sequence numbers and time but no sound. */
export type PacketKind = 'audio' | 'noise' | 'event';

/** A payload larger than this is no voice. */
export const MAX_PAYLOAD = 2048;
/** What stands around a payload, header, padding and authentication tag, is not worth leaving out when it is no more than this. */
const AROUND = 128;

const FREE = 0;
const AUDIO = 1;
const NOISE = 2;
const EVENT = 3;

export class PacketRing {
  readonly slots: number;
  readonly #sequences: Float64Array;
  readonly #times: Float64Array;
  readonly #kinds: Uint8Array;
  readonly #payloadTypes: Uint8Array;
  readonly #offsets: Uint16Array;
  readonly #lengths: Uint16Array;
  #memory = new Uint8Array(0);
  #slotBytes = 0;
  #waiting = 0;

  /** `slots`: a power of two. */
  constructor(slots: number) {
    this.slots = slots;
    this.#sequences = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY);
    this.#times = new Float64Array(slots);
    this.#kinds = new Uint8Array(slots);
    this.#payloadTypes = new Uint8Array(slots);
    this.#offsets = new Uint16Array(slots);
    this.#lengths = new Uint16Array(slots);
  }

  /** Packets that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Where the payloads stand; another array when a wider packet has come. */
  get memory(): Uint8Array {
    return this.#memory;
  }

  /** Whether the packet waits, or has been and gone and nothing has come in its place. */
  hasSeen(sequence: number): boolean {
    return this.#sequences[sequence & (this.slots - 1)] === sequence;
  }

  /** The slot of the first packet that waits, from one sequence number to another; -1 when none does. */
  find(from: number, to: number): number {
    if (this.#waiting === 0) return -1;
    const last = Math.min(to, from + this.slots - 1);
    for (let sequence = from; sequence <= last; sequence++) {
      const slot = sequence & (this.slots - 1);
      if (this.#kinds[slot] !== FREE && this.#sequences[slot] === sequence) return slot;
    }
    return -1;
  }

  /** Takes a packet into the slot of its number, which must be free. */
  store(sequence: number, time: number, kind: PacketKind, header: RtpHeader, packet: Uint8Array): void {
    const slot = sequence & (this.slots - 1);
    const { payloadOffset, payloadLength } = header;
    this.#sequences[slot] = sequence;
    this.#times[slot] = time;
    this.#kinds[slot] = kind === 'audio' ? AUDIO : kind === 'noise' ? NOISE : EVENT;
    this.#payloadTypes[slot] = header.payloadType;
    this.#lengths[slot] = payloadLength;
    this.#waiting++;
    if (packet.length <= payloadLength + AROUND) {
      // With all that stands around it: 14 ns, where a view of the payload alone costs 42 and an object.
      if (packet.length > this.#slotBytes) this.#widen(packet.length);
      this.#memory.set(packet, slot * this.#slotBytes);
      this.#offsets[slot] = payloadOffset;
      return;
    }
    if (payloadLength > this.#slotBytes) this.#widen(payloadLength);
    this.#memory.set(packet.subarray(payloadOffset, payloadOffset + payloadLength), slot * this.#slotBytes);
    this.#offsets[slot] = 0;
  }

  /** The packet's turn is over; its payload stands until another is stored. */
  free(slot: number): void {
    this.#kinds[slot] = FREE;
    this.#waiting--;
  }

  sequenceOf(slot: number): number {
    return this.#sequences[slot]!;
  }

  timeOf(slot: number): number {
    return this.#times[slot]!;
  }

  isAudio(slot: number): boolean {
    return this.#kinds[slot] === AUDIO;
  }

  isNoise(slot: number): boolean {
    return this.#kinds[slot] === NOISE;
  }

  isEvent(slot: number): boolean {
    return this.#kinds[slot] === EVENT;
  }

  payloadTypeOf(slot: number): number {
    return this.#payloadTypes[slot]!;
  }

  /** Of the payload, in `memory`. */
  offsetOf(slot: number): number {
    return slot * this.#slotBytes + this.#offsets[slot]!;
  }

  lengthOf(slot: number): number {
    return this.#lengths[slot]!;
  }

  /** All slots grow together, to a multiple of 32 bytes. */
  #widen(length: number): void {
    const slotBytes = Math.ceil(length / 32) * 32;
    const memory = new Uint8Array(this.slots * slotBytes);
    for (let slot = 0; slot < this.slots; slot++) {
      memory.set(this.#memory.subarray(slot * this.#slotBytes, (slot + 1) * this.#slotBytes), slot * slotBytes);
    }
    this.#memory = memory;
    this.#slotBytes = slotBytes;
  }
}
