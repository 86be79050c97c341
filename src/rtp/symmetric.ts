/**
 * Symmetric RTP (RFC 4961): sending to where the peer's packets come from, which behind a NAT is not where its SDP says.
 *
 * The signalled address is right until packets come from elsewhere; then they must first show a run of their own. Once latched, the
 * peer moves only on good evidence: its old address is silent, and the stream goes on where it was (SSRC and sequence number),
 * or authentication proves it. A stray or forged packet moves nothing and is not heard.
 */
import { cellsOf, ownPlace, type Place } from './cells.js';
import type { RtpHeader } from './header.js';
import { diff16 } from './sequence.js';

export interface SymmetricOptions {
  /** False: only what comes from the signalled address is heard. @default true */
  readonly latch: boolean;
  /** How long the peer's old address has been silent before it may move. @default 100 */
  readonly silentMs: number;
  /** Packets in a row from a new address before it is believed. @default 3 */
  readonly probation: number;
}

const DEFAULTS = { latch: true, silentMs: 100, probation: 3 } satisfies SymmetricOptions;

/** `latched`: to be heard, and from now on sent to. */
export type AddressVerdict = 'accept' | 'latched' | 'drop';

/** RFC 3550 A.1, MAX_DROPOUT: further on than this is another stream. */
const MAX_DROPOUT = 3000;
/** A stream of another SSRC, from the same host but another port: a device that has started again. It must wait longer and show more. */
const RESTART_SILENT_MS = 2000;
const RESTART_RUN = 10;
/** For so long after the latch the signalled address, when it comes after all, is preferred without waiting for silence. */
const PREFERRED_MS = 2000;
/** For so long after the peer was said to be elsewhere its old address is still heard. */
const FAREWELL_MS = 2000;

const State = cellsOf(
  'signalledPort',
  'port',
  'latchedAt',
  // The stream that is heard.
  'ssrc',
  'sequence',
  'lastAt',
  // The stream that would like to be.
  'newPort',
  'newSsrc',
  'newSequence',
  'newRun',
  // Where the peer was before it was said to be elsewhere.
  'formerPort',
  'formerUntil',
  'dropped',
);

/** One for all streams of a thread, moved to the numbers of the one that is asked. */
const state = new State(ownPlace(State.size));

export class SymmetricRtp {
  static readonly cells = State.size;
  readonly #options: SymmetricOptions;
  readonly #numbers: Float64Array;
  readonly #at: number;
  #signalledAddress: string | undefined;
  #address: string | undefined;
  #isLatched = false;
  #newAddress: string | undefined;
  #formerAddress: string | undefined;

  constructor(options: Partial<SymmetricOptions> = {}, place: Place = ownPlace(SymmetricRtp.cells)) {
    this.#options = { ...DEFAULTS, ...options };
    this.#numbers = place.numbers;
    this.#at = place.at;
    const s = this.#s();
    s.clear();
    s.formerUntil = Number.NaN;
  }

  #s(): typeof state {
    state.numbers = this.#numbers;
    state.at = this.#at;
    return state;
  }

  /** Where to send to; undefined before anything is known. */
  get address(): string | undefined {
    return this.#address;
  }

  get port(): number {
    return this.#s().port;
  }

  /** Packets not heard for where they came from. */
  get dropped(): number {
    return this.#s().dropped;
  }

  /** The peer has been heard from there. */
  get isLatched(): boolean {
    return this.#isLatched;
  }

  /** What SDP says. The same again changes nothing; something else starts afresh. */
  expect(address: string, port: number): void {
    if (address === this.#signalledAddress && port === this.#s().signalledPort) return;
    if (this.#isLatched) {
      this.#formerAddress = this.#address;
      this.#s().formerPort = this.#s().port;
      this.#s().formerUntil = Number.NaN;
    }
    this.#signalledAddress = address;
    this.#s().signalledPort = port;
    this.#address = address;
    this.#s().port = port;
    this.#isLatched = false;
    this.#newAddress = undefined;
    this.#s().newRun = 0;
  }

  /** Whether a packet is heard, by where it comes from. `authenticated`: SRTP has shown that the peer made it. */
  accept(address: string, port: number, header: RtpHeader, now: number, proof: 'authenticated' | 'plain'): AddressVerdict {
    const s = this.#s();
    if (port === s.port && address === this.#address) {
      if (!this.#isLatched) this.#latch(address, port, now);
      this.#follow(header, now);
      return 'accept';
    }
    if (!this.#options.latch) return this.#drop();
    if (!this.#isLatched && port === s.formerPort && address === this.#formerAddress) {
      if (Number.isNaN(s.formerUntil)) s.formerUntil = now + FAREWELL_MS;
      if (now < s.formerUntil) return 'accept';
    }
    this.#note(address, port, header);
    if (!this.#isConvincing(header, now, proof)) return this.#drop();
    this.#latch(address, port, now);
    this.#follow(header, now);
    return 'latched';
  }

  #drop(): 'drop' {
    this.#s().dropped++;
    return 'drop';
  }

  #latch(address: string, port: number, now: number): void {
    this.#address = address;
    this.#s().port = port;
    this.#isLatched = true;
    this.#s().latchedAt = now;
    this.#formerAddress = undefined;
    this.#newAddress = undefined;
    this.#s().newRun = 0;
  }

  #follow(header: RtpHeader, now: number): void {
    const s = this.#s();
    if (header.ssrc !== s.ssrc || diff16(header.sequence, s.sequence) > 0) s.sequence = header.sequence;
    s.ssrc = header.ssrc;
    s.lastAt = now;
  }

  /** Counts the packets in a row that come from one new address. */
  #note(address: string, port: number, header: RtpHeader): void {
    const { ssrc, sequence } = header;
    const s = this.#s();
    const step = diff16(sequence, s.newSequence);
    const follows =
      port === s.newPort && address === this.#newAddress && ssrc === s.newSsrc && step > 0 && step <= MAX_DROPOUT && s.newRun > 0;
    s.newRun = follows ? s.newRun + 1 : 1;
    this.#newAddress = address;
    s.newPort = port;
    s.newSsrc = ssrc;
    s.newSequence = sequence;
  }

  #isConvincing(header: RtpHeader, now: number, proof: 'authenticated' | 'plain'): boolean {
    const s = this.#s();
    const step = diff16(header.sequence, s.sequence);
    // An older packet that went another way says nothing of where the peer is now.
    if (proof === 'authenticated') return !this.#isLatched || header.ssrc !== s.ssrc || step > 0;
    const { probation, silentMs } = this.#options;
    const run = s.newRun;
    if (!this.#isLatched) return run >= probation;
    const silence = now - s.lastAt;
    if (s.newPort === s.signalledPort && this.#newAddress === this.#signalledAddress) {
      if (run >= probation && (silence >= silentMs || now - s.latchedAt < PREFERRED_MS)) return true;
    }
    if (header.ssrc === s.ssrc) return run >= probation && silence >= silentMs && step > 0 && step <= MAX_DROPOUT;
    return this.#newAddress === this.#address && run >= RESTART_RUN && silence >= RESTART_SILENT_MS;
  }
}
