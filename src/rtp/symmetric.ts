/**
 * Symmetric RTP (RFC 4961): sending to where the peer's packets come from, which behind a NAT is not where its SDP says.
 *
 * The signalled address is right until packets come from elsewhere; then they must first show a run of their own. Once latched, the
 * peer moves only on good evidence: its old address is silent, and the stream goes on where it was (SSRC and sequence number),
 * or authentication proves it. A stray or forged packet moves nothing and is not heard.
 */
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

export class SymmetricRtp {
  readonly #options: SymmetricOptions;

  #signalledAddress: string | undefined;
  #signalledPort = 0;
  #address: string | undefined;
  #port = 0;
  #isLatched = false;
  #latchedAt = 0;

  // The stream that is heard.
  #ssrc = 0;
  #sequence = 0;
  #lastAt = 0;

  // The stream that would like to be.
  #newAddress: string | undefined;
  #newPort = 0;
  #newSsrc = 0;
  #newSequence = 0;
  #newRun = 0;

  // Where the peer was before it was said to be elsewhere.
  #formerAddress: string | undefined;
  #formerPort = 0;
  #formerUntil = Number.NaN;

  /** Packets not heard for where they came from. */
  dropped = 0;

  constructor(options: Partial<SymmetricOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Where to send to; undefined before anything is known. */
  get address(): string | undefined {
    return this.#address;
  }

  get port(): number {
    return this.#port;
  }

  /** The peer has been heard from there. */
  get isLatched(): boolean {
    return this.#isLatched;
  }

  /** What SDP says. The same again changes nothing; something else starts afresh. */
  expect(address: string, port: number): void {
    if (address === this.#signalledAddress && port === this.#signalledPort) return;
    if (this.#isLatched) {
      this.#formerAddress = this.#address;
      this.#formerPort = this.#port;
      this.#formerUntil = Number.NaN;
    }
    this.#signalledAddress = address;
    this.#signalledPort = port;
    this.#address = address;
    this.#port = port;
    this.#isLatched = false;
    this.#newAddress = undefined;
    this.#newRun = 0;
  }

  /** Whether a packet is heard, by where it comes from. `authenticated`: SRTP has shown that the peer made it. */
  accept(address: string, port: number, header: RtpHeader, now: number, proof: 'authenticated' | 'plain'): AddressVerdict {
    if (port === this.#port && address === this.#address) {
      if (!this.#isLatched) this.#latch(address, port, now);
      this.#follow(header, now);
      return 'accept';
    }
    if (!this.#options.latch) return this.#drop();
    if (!this.#isLatched && port === this.#formerPort && address === this.#formerAddress) {
      if (Number.isNaN(this.#formerUntil)) this.#formerUntil = now + FAREWELL_MS;
      if (now < this.#formerUntil) return 'accept';
    }
    this.#note(address, port, header);
    if (!this.#isConvincing(header, now, proof)) return this.#drop();
    this.#latch(address, port, now);
    this.#follow(header, now);
    return 'latched';
  }

  #drop(): 'drop' {
    this.dropped++;
    return 'drop';
  }

  #latch(address: string, port: number, now: number): void {
    this.#address = address;
    this.#port = port;
    this.#isLatched = true;
    this.#latchedAt = now;
    this.#formerAddress = undefined;
    this.#newAddress = undefined;
    this.#newRun = 0;
  }

  #follow(header: RtpHeader, now: number): void {
    if (header.ssrc !== this.#ssrc || diff16(header.sequence, this.#sequence) > 0) this.#sequence = header.sequence;
    this.#ssrc = header.ssrc;
    this.#lastAt = now;
  }

  /** Counts the packets in a row that come from one new address. */
  #note(address: string, port: number, header: RtpHeader): void {
    const { ssrc, sequence } = header;
    const step = diff16(sequence, this.#newSequence);
    const follows =
      port === this.#newPort &&
      address === this.#newAddress &&
      ssrc === this.#newSsrc &&
      step > 0 &&
      step <= MAX_DROPOUT &&
      this.#newRun > 0;
    this.#newRun = follows ? this.#newRun + 1 : 1;
    this.#newAddress = address;
    this.#newPort = port;
    this.#newSsrc = ssrc;
    this.#newSequence = sequence;
  }

  #isConvincing(header: RtpHeader, now: number, proof: 'authenticated' | 'plain'): boolean {
    const step = diff16(header.sequence, this.#sequence);
    // An older packet that went another way says nothing of where the peer is now.
    if (proof === 'authenticated') return !this.#isLatched || header.ssrc !== this.#ssrc || step > 0;
    const { probation, silentMs } = this.#options;
    const run = this.#newRun;
    if (!this.#isLatched) return run >= probation;
    const silence = now - this.#lastAt;
    if (this.#newPort === this.#signalledPort && this.#newAddress === this.#signalledAddress) {
      if (run >= probation && (silence >= silentMs || now - this.#latchedAt < PREFERRED_MS)) return true;
    }
    if (header.ssrc === this.#ssrc) return run >= probation && silence >= silentMs && step > 0 && step <= MAX_DROPOUT;
    return this.#newAddress === this.#address && run >= RESTART_RUN && silence >= RESTART_SILENT_MS;
  }
}
