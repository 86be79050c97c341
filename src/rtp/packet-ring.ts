/**
 * Packets that wait, in a ring of slots by sequence number: memory of its own, made once and as wide as the packets are, so that nothing is
 * allocated as they come and go. A slot that is free still knows whose it was: so a duplicate is told from a packet that is late.
 */
import { cellsOf, ownPlace, type Place } from './cells.js';
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

// What is known of a slot.
const SEQUENCE = 0;
const TIME = 1;
const KIND = 2;
const PAYLOAD_TYPE = 3;
const OFFSET = 4;
const LENGTH = 5;
/** Which of the near rooms the packet is in; NEAR when it is in none. */
const ROOM = 6;
const ROW = 8;

/**
 * Packets as they mostly are, 20 ms of G.711 with SRTP around it, wait beside what is known of them, in few rooms used over and over: a ring as
 * long as there are slots would be cold at every packet. No more of them wait than the longest delay holds, or nearly; for more, and for wider ones,
 * memory is made, as much as all of the rest of a jitter buffer.
 */
const NEAR = 16;
const NEAR_BYTES = 192;
const ALL_FREE = (1 << NEAR) - 1;

/** What was made for a bad moment is given up after so many turns of the ring without another: by then nothing waits in it. */
const TURNS_KEPT = 8;

const nothing = new Uint8Array(0);

// `sinceFar`: how many packets have found a near room since one did not.
const State = cellsOf('slots', 'waiting', 'freeRooms', 'farBytes', 'sinceFar');

export class PacketRing {
  static cells(slots: number): number {
    return State.size + slots * ROW + (NEAR * NEAR_BYTES) / 8;
  }

  readonly #s;
  /** What waits beside what is known of it, and what is too wide for that or one too many. */
  #place: Place;
  #rows: Float64Array;
  /** Where in `#rows` the first slot begins. */
  #from: number;

  /** `slots`: a power of two. */
  constructor(slots: number, place: Place = ownPlace(PacketRing.cells(slots)), from = 0) {
    this.#s = new State(place, from);
    this.#place = place;
    this.#rows = place.numbers;
    this.#from = place.at + from + State.size;
    this.begin(slots);
  }

  /** Whose numbers these are, from here on. */
  moveTo(place: Place, from: number): void {
    const { numbers } = place;
    const at = place.at + from;
    this.#s.numbers = numbers;
    this.#s.at = at;
    this.#place = place;
    this.#rows = numbers;
    this.#from = at + State.size;
  }

  begin(slots: number): void {
    this.#s.clear();
    this.#s.slots = slots;
    this.#s.freeRooms = ALL_FREE;
    this.#giveUpFar();
    for (let slot = 0; slot < slots; slot++) {
      const row = this.#from + slot * ROW;
      this.#rows[row + SEQUENCE] = Number.NEGATIVE_INFINITY;
      this.#rows[row + KIND] = FREE;
    }
  }

  get slots(): number {
    return this.#s.slots;
  }

  #far(): Uint8Array {
    return this.#place.more ?? nothing;
  }

  /** Packets that wait. */
  get waiting(): number {
    return this.#s.waiting;
  }

  /** Whether the packet waits, or has been and gone and nothing has come in its place. */
  hasSeen(sequence: number): boolean {
    return this.#rows[this.#row(sequence & (this.slots - 1)) + SEQUENCE] === sequence;
  }

  /** The slot of the first packet that waits, from one sequence number to another; -1 when none does. */
  find(from: number, to: number): number {
    if (this.#s.waiting === 0) return -1;
    const rows = this.#rows;
    const last = Math.min(to, from + this.slots - 1);
    for (let sequence = from; sequence <= last; sequence++) {
      const slot = sequence & (this.slots - 1);
      const row = this.#row(slot);
      if (rows[row + KIND] !== FREE && rows[row + SEQUENCE] === sequence) return slot;
    }
    return -1;
  }

  /** Takes a packet into the slot of its number, which must be free. */
  store(sequence: number, time: number, kind: PacketKind, header: RtpHeader, packet: Uint8Array): void {
    const slot = sequence & (this.slots - 1);
    const rows = this.#rows;
    const row = this.#row(slot);
    const { payloadOffset, payloadLength } = header;
    rows[row + SEQUENCE] = sequence;
    rows[row + TIME] = time;
    rows[row + KIND] = kind === 'audio' ? AUDIO : kind === 'noise' ? NOISE : EVENT;
    rows[row + PAYLOAD_TYPE] = header.payloadType;
    rows[row + LENGTH] = payloadLength;
    this.#s.waiting++;
    const free = this.#s.freeRooms;
    if (packet.length <= NEAR_BYTES && free !== 0) {
      // The lowest free one: it was used last.
      const room = 31 - Math.clz32(free & -free);
      this.#s.freeRooms = free & (free - 1);
      const at = (this.#from + this.#s.slots * ROW) * 8 + room * NEAR_BYTES;
      this.#place.bytes.set(packet, at);
      rows[row + ROOM] = room;
      rows[row + OFFSET] = at + payloadOffset;
      if (this.#s.farBytes > 0 && ++this.#s.sinceFar > TURNS_KEPT * this.#s.slots) this.#giveUpFar();
      return;
    }
    rows[row + ROOM] = NEAR;
    this.#s.sinceFar = 0;
    if (packet.length <= payloadLength + AROUND) {
      // With all that stands around it: 14 ns, where a view of the payload alone costs 42 and an object.
      if (packet.length > this.#s.farBytes) this.#widen(packet.length);
      this.#far().set(packet, slot * this.#s.farBytes);
      rows[row + OFFSET] = payloadOffset;
      return;
    }
    if (payloadLength > this.#s.farBytes) this.#widen(payloadLength);
    this.#far().set(packet.subarray(payloadOffset, payloadOffset + payloadLength), slot * this.#s.farBytes);
    rows[row + OFFSET] = 0;
  }

  /** The packet's turn is over; its payload stands until another is stored. */
  free(slot: number): void {
    const row = this.#row(slot);
    this.#rows[row + KIND] = FREE;
    this.#s.waiting--;
    const room = this.#rows[row + ROOM]!;
    if (room < NEAR) this.#s.freeRooms |= 1 << room;
  }

  sequenceOf(slot: number): number {
    return this.#rows[this.#row(slot) + SEQUENCE]!;
  }

  timeOf(slot: number): number {
    return this.#rows[this.#row(slot) + TIME]!;
  }

  isAudio(slot: number): boolean {
    return this.#rows[this.#row(slot) + KIND] === AUDIO;
  }

  isNoise(slot: number): boolean {
    return this.#rows[this.#row(slot) + KIND] === NOISE;
  }

  isEvent(slot: number): boolean {
    return this.#rows[this.#row(slot) + KIND] === EVENT;
  }

  payloadTypeOf(slot: number): number {
    return this.#rows[this.#row(slot) + PAYLOAD_TYPE]!;
  }

  /** Where the payload stands ... */
  bytesOf(slot: number): Uint8Array {
    return this.#rows[this.#row(slot) + ROOM]! < NEAR ? this.#place.bytes : this.#far();
  }

  /** ... from here on. */
  offsetOf(slot: number): number {
    const row = this.#row(slot);
    const offset = this.#rows[row + OFFSET]!;
    return this.#rows[row + ROOM]! < NEAR ? offset : slot * this.#s.farBytes + offset;
  }

  lengthOf(slot: number): number {
    return this.#rows[this.#row(slot) + LENGTH]!;
  }

  #row(slot: number): number {
    return this.#from + slot * ROW;
  }

  #giveUpFar(): void {
    this.#place.more = undefined;
    this.#s.farBytes = 0;
  }

  /** All slots grow together, to a multiple of 32 bytes. */
  #widen(length: number): void {
    const farBytes = Math.ceil(length / 32) * 32;
    const far = new Uint8Array(this.slots * farBytes);
    for (let slot = 0; slot < this.slots; slot++) {
      far.set(this.#far().subarray(slot * this.#s.farBytes, (slot + 1) * this.#s.farBytes), slot * farBytes);
    }
    this.#place.more = far;
    this.#s.farBytes = farBytes;
  }
}
