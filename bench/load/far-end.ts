/**
 * The caller's end of one call's media: what it says (silence, and once a second 20 ms of sound by which the round trip is measured), and what comes
 * back, held against the line that its timestamps draw.
 */
import type { Socket } from 'node:dgram';
import type { SrtpContext } from '../../src/rtp/srtp/context.js';
import { Drift } from './drift.js';
import type { Histogram } from './histogram.js';

export const PTIME_MS = 20;
export const CLEAR_BYTES = 172;
const BURST_EVERY = 50;
const QUIET = 0xff;
const LOUD = 0x10;
const GAP_MS = 40;

/** SRTP makes a packet longer. */
const wire = Buffer.alloc(CLEAR_BYTES + 32);

/** What all calls of a run write into. */
export interface Heard {
  /** Arrivals against the ideal line of their stream. */
  readonly late: Histogram;
  readonly roundTrips: Histogram;
  received: number;
  lost: number;
  /** Two packets more than 40 ms apart. */
  gaps: number;
}

export interface Seal {
  readonly protect: SrtpContext;
  readonly unprotect: SrtpContext;
}

export interface Remote {
  readonly address: string;
  readonly port: number;
}

export class FarEnd {
  readonly #socket: Socket;
  readonly #remote: Remote;
  readonly #packet = Buffer.alloc(CLEAR_BYTES, QUIET);
  readonly #seal: Seal | undefined;
  #sequence = 0;
  #burstSentAt = 0;
  #firstAt = Number.NaN;
  #firstTimestamp = 0;
  #lastSequence = -1;
  #lastAt = Number.NaN;
  #earliest = Number.POSITIVE_INFINITY;
  #wasLoud = false;
  #drift: Drift | undefined;

  constructor(socket: Socket, remote: Remote, ssrc: number, seal: Seal | undefined) {
    this.#socket = socket;
    this.#remote = remote;
    this.#seal = seal;
    this.#packet[0] = 0x80;
    this.#packet[1] = 0;
    this.#packet.writeUInt32BE(ssrc, 8);
  }

  send(): void {
    const packet = this.#packet;
    packet.writeUInt16BE(this.#sequence & 0xffff, 2);
    packet.writeUInt32BE((160 * this.#sequence) >>> 0, 4);
    const turn = this.#sequence++ % BURST_EVERY;
    if (turn === 25) {
      packet.fill(LOUD, 12);
      this.#burstSentAt = performance.now();
    } else if (turn === 26) packet.fill(QUIET, 12);
    packet.copy(wire);
    const length = this.#seal === undefined ? CLEAR_BYTES : this.#seal.protect.protectRtp(wire, CLEAR_BYTES);
    this.#socket.send(wire, 0, length, this.#remote.port, this.#remote.address);
  }

  /** From here on it counts. */
  hold(now: number): void {
    this.#drift = new Drift(now);
    this.#lastAt = Number.NaN;
  }

  read(bytes: Buffer, now: number, into: Heard | undefined): void {
    if (this.#seal !== undefined && this.#seal.unprotect.unprotectRtp(bytes, bytes.length) !== CLEAR_BYTES) return;
    const sequence = bytes.readUInt16BE(2);
    const timestamp = bytes.readUInt32BE(4);
    if (Number.isNaN(this.#firstAt)) {
      this.#firstAt = now;
      this.#firstTimestamp = timestamp;
    }
    const offset = now - this.#firstAt - ((timestamp - this.#firstTimestamp) >>> 0) / 8;
    if (offset < this.#earliest) this.#earliest = offset;
    if (into !== undefined) {
      into.received++;
      if (this.#lastSequence >= 0) into.lost += ((sequence - this.#lastSequence) & 0xffff) - 1;
      if (now - this.#lastAt > GAP_MS) into.gaps++;
      into.late.add(offset - this.#earliest);
      this.#drift?.add(now, offset);
    }
    this.#lastSequence = sequence;
    this.#lastAt = now;
    this.#listen(bytes, now, into);
  }

  /** Of the other's clock. */
  get ppm(): number {
    return this.#drift?.ppm() ?? Number.NaN;
  }

  #listen(bytes: Buffer, now: number, into: Heard | undefined): void {
    let onset = -1;
    for (let at = 12; at < CLEAR_BYTES && onset < 0; at += 4) if (isLoud(bytes[at]!)) onset = at - 12;
    if (onset >= 0 && !this.#wasLoud && this.#burstSentAt > 0) into?.roundTrips.add(now - this.#burstSentAt + onset / 8);
    this.#wasLoud = onset >= 0;
  }
}

/** µ-law: the smaller the seven low bits, the louder. */
function isLoud(byte: number): boolean {
  return (byte & 0x7f) < 0x30;
}
