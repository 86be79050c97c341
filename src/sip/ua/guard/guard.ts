/**
 * Stands before the door: which sources are not listened to at all, how much of each method a source may ask a second, and what it may get wrong before
 * it is banned for a while. A datagram's source can be forged, so no ban falls on those we are known to, have a call with, or have asked something
 * ourselves. All that strangers can cause here is an entry in a bounded table. Pure: time comes in.
 */
import type { Logger } from '../../../log.js';
import type { SipRequest } from '../../message/message.js';
import { Bucket } from './bucket.js';
import { Recent, sourceKey } from './recent.js';
import { isScanner } from './scanners.js';

export interface GuardOptions {
  /** Requests a second that one unknown source may send, of all methods together, and five times as many at once. @default 20 */
  readonly requestsPerS?: number;
  /** Wrong passwords from one source within `banS`. @default 10 */
  readonly authFailures?: number;
  /** Unreadable messages from one source within a minute. @default 20 */
  readonly unreadable?: number;
  /** How long a ban lasts, in seconds; 0: nobody is banned, the rates stay. @default 600 */
  readonly banS?: number;
  /** Sources remembered, and as many bans. @default 16384 */
  readonly maxSources?: number;
}

export const DEFAULT_GUARD = {
  requestsPerS: 20,
  authFailures: 10,
  unreadable: 20,
  banS: 600,
  maxSources: 16_384,
} as const satisfies Required<GuardOptions>;

export type BanReason = 'flood' | 'authentication' | 'unreadable' | 'scanner';

/** What the guard must ask of others. */
export interface GuardPosition {
  readonly logger: Logger;
  /** CIDRs of the application's that get no answer. */
  isDenied(address: string): boolean;
  /** Trunks, registrars, what is allowed by name, and who shows in a request that it knows what strangers cannot: no limit, no ban. */
  isKnown(address: string, request?: SipRequest): boolean;
}

export interface GuardCounters {
  /** Datagrams and connections of `deny`, not looked at. */
  readonly denied: number;
  /** The same, of sources that are banned. */
  readonly shutOut: number;
  /** Requests over the rate of their source or of all strangers. */
  readonly limited: number;
  readonly scanners: number;
  /** Responses to nothing we asked. */
  readonly strays: number;
  readonly unreadable: number;
  readonly authFailures: number;
  /** Attempts to authenticate that were not even looked at. */
  readonly authRefused: number;
  readonly bans: Readonly<Record<BanReason, number>>;
  /** In force. */
  readonly banned: number;
  /** Sources remembered now. */
  readonly sources: number;
}

interface Source {
  readonly requests: Bucket;
  readonly excess: Bucket;
  readonly unreadable: Bucket;
}

/** A source that goes on so far beyond its rate does not mean to stop. */
const EXCESS = 200;
const EXCESS_MS = 60_000;
const BURST = 5;
/** Who has shown who he is may ask more: a PBX with a password, a NAT with a house of phones behind it. */
const SPARED_TIMES = 10;
const UNREADABLE_MS = 60_000;
/** Who has shown who he is stays spared for a day; whom we asked something, for as long as an answer may take. */
const PROVEN_MS = 86_400_000;
const ASKED_MS = 300_000;
const MAX_SPARED = 4096;
/** Requests that want a password checked, of all unknown sources together: each keeps a transaction for 32 s when it fails. */
const TRIES_AT_ONCE = 2000;
const TRIES_PER_S = 100;
/**
 * Questions who they are, to all strangers together: each costs more than all that is looked at before it. Spread over the second: in one go they
 * would hold up the media of a bot on one core.
 */
const QUESTIONS_AT_ONCE = 50;
const QUESTIONS_PER_S = 1000;
const LINES_AT_ONCE = 10;
const LINES_PER_S = 1;

export class Guard {
  readonly #limits: Required<GuardOptions>;
  readonly #position: GuardPosition;
  readonly #sources: Recent<Source>;
  /** Until when. Apart from the sources: a flood of forged ones must not make a ban forgotten. */
  readonly #bans: Recent<number>;
  /** Wrong passwords, by source; only who can read our answers gets an entry. */
  readonly #wrong: Recent<Bucket>;
  readonly #spared = new Recent<number>(MAX_SPARED);
  readonly #tries = new Bucket();
  readonly #questions = new Bucket();
  readonly #lines = new Bucket();
  #unsaid = 0;
  readonly #count = { denied: 0, shutOut: 0, limited: 0, scanners: 0, strays: 0, unreadable: 0, authFailures: 0, authRefused: 0 };
  readonly #banCount: Record<BanReason, number> = { flood: 0, authentication: 0, unreadable: 0, scanner: 0 };
  /** Whether there is a call or the like with that source; the agent says so. */
  isEngaged: (address: string) => boolean = () => false;
  /** Told with each ban: what that source has open can be closed. */
  onBan: (address: string) => void = () => {};

  constructor(options: GuardOptions, position: GuardPosition) {
    this.#limits = { ...DEFAULT_GUARD, ...options };
    this.#position = position;
    this.#sources = new Recent(this.#limits.maxSources);
    this.#bans = new Recent(this.#limits.maxSources);
    this.#wrong = new Recent(this.#limits.maxSources);
  }

  /** Asked before anything of a datagram or a connection is looked at. */
  isShut(address: string, now: number): boolean {
    if (this.#position.isDenied(address)) {
      this.#count.denied++;
      return true;
    }
    if (this.#bans.size === 0) return false;
    const key = sourceKey(address);
    const until = this.#bans.peek(key);
    if (until === undefined) return false;
    if (until <= now) {
      this.#bans.delete(key);
      return false;
    }
    this.#count.shutOut++;
    return true;
  }

  /** A request outside the dialogs we have. False: not a word. */
  isTolerated(request: SipRequest, address: string, now: number): boolean {
    if (this.#position.isKnown(address, request)) return true;
    if (isScanner(request)) {
      this.#count.scanners++;
      this.#ban(address, 'scanner', now);
      return false;
    }
    return this.#isWithinRate(address, now);
  }

  /** A response to nothing we asked, or no longer: it counts like a request. */
  onStray(address: string, now: number): void {
    if (this.#position.isKnown(address)) return;
    this.#count.strays++;
    this.#isWithinRate(address, now);
  }

  /** A message that nobody can read. False: it gets no answer. */
  isForgiven(address: string, now: number): boolean {
    if (this.#position.isKnown(address)) return true;
    this.#count.unreadable++;
    const { unreadable } = this.#limits;
    if (this.#source(address).unreadable.take(now, unreadable, unreadable / UNREADABLE_MS)) return true;
    this.#ban(address, 'unreadable', now);
    return false;
  }

  /** A stranger is about to be asked who he is. False: a flood of sources is under way, and this one gets no answer for now. */
  mayAsk(address: string, now: number): boolean {
    if (this.#position.isKnown(address) || this.#isSpared(address, now)) return true;
    if (this.#questions.take(now, QUESTIONS_AT_ONCE, QUESTIONS_PER_S / 1000)) return true;
    this.#count.limited++;
    return false;
  }

  /** A password is about to be checked, and counts as wrong until `onProof`. False: it is not looked at. */
  mayTry(address: string, now: number): boolean {
    const { authFailures, banS } = this.#limits;
    const wrong = this.#wrong.touch(sourceKey(address), () => new Bucket());
    const mayTry =
      wrong.take(now, authFailures, authFailures / Math.max(1000 * banS, 60_000)) &&
      (this.#position.isKnown(address) || this.#tries.take(now, TRIES_AT_ONCE, TRIES_PER_S / 1000));
    if (!mayTry) this.#count.authRefused++;
    return mayTry;
  }

  onProof(address: string, now: number): void {
    this.#wrong.peek(sourceKey(address))?.giveBack();
    this.#tries.giveBack();
    this.spare(address, 'proven', now);
  }

  /** It was wrong. Nonces are bound to the address they were given to: this source did hear us, and is not forged. */
  onWrong(address: string, now: number): void {
    this.#count.authFailures++;
    if (this.#wrong.peek(sourceKey(address))?.isFull(this.#limits.authFailures) === true) this.#ban(address, 'authentication', now);
  }

  /** It was no answer to anything we asked there: nothing was tried. */
  onNothingTried(address: string): void {
    this.#wrong.peek(sourceKey(address))?.giveBack();
    this.#tries.giveBack();
  }

  /** No ban falls there for a while, and one that did is lifted: who asks somebody wants to hear the answer. */
  spare(address: string, why: 'proven' | 'asked', now: number): void {
    const key = sourceKey(address);
    const until = now + (why === 'proven' ? PROVEN_MS : ASKED_MS);
    if ((this.#spared.peek(key) ?? 0) < until) this.#spared.set(key, until);
    if (this.#bans.size > 0) this.#bans.delete(key);
  }

  counters(now: number): GuardCounters {
    let banned = 0;
    for (const [, until] of this.#bans.entries()) if (until > now) banned++;
    return { ...this.#count, bans: { ...this.#banCount }, banned, sources: this.#sources.size };
  }

  #isWithinRate(address: string, now: number): boolean {
    const requestsPerS = this.#limits.requestsPerS * (this.#isSpared(address, now) ? SPARED_TIMES : 1);
    const source = this.#source(address);
    if (source.requests.take(now, requestsPerS * BURST, requestsPerS / 1000)) return true;
    this.#count.limited++;
    if (!source.excess.take(now, EXCESS, EXCESS / EXCESS_MS)) this.#ban(address, 'flood', now);
    return false;
  }

  #isSpared(address: string, now: number): boolean {
    return (this.#spared.peek(sourceKey(address)) ?? 0) > now;
  }

  #source(address: string): Source {
    return this.#sources.touch(sourceKey(address), () => ({ requests: new Bucket(), excess: new Bucket(), unreadable: new Bucket() }));
  }

  #ban(address: string, reason: BanReason, now: number): void {
    const { banS } = this.#limits;
    const key = sourceKey(address);
    if (banS === 0 || this.#position.isKnown(address) || this.isEngaged(address) || this.#isSpared(address, now)) return;
    this.#bans.set(key, now + 1000 * banS);
    this.#sources.delete(key);
    this.#banCount[reason]++;
    this.#say(key, reason, now);
    this.onBan(address);
  }

  #say(source: string, reason: BanReason, now: number): void {
    if (!this.#lines.take(now, LINES_AT_ONCE, LINES_PER_S / 1000)) {
      this.#unsaid++;
      return;
    }
    const others = this.#unsaid === 0 ? '' : `, and ${this.#unsaid} others before it`;
    this.#unsaid = 0;
    this.#position.logger.warn({ source, reason }, `${source} is not listened to for ${this.#limits.banS} s: ${WHY[reason]}${others}`);
  }
}

const WHY: Record<BanReason, string> = {
  flood: 'it sends more requests than a stranger may',
  authentication: 'it guesses passwords',
  unreadable: 'it sends what nobody can read',
  scanner: 'it looks for telephones to rob',
};
