/**
 * A wire kept up: connects, measures, notices when nobody reads any more, and connects again with growing pauses, until the far end says
 * that it has finished, refuses us for good, or stays away for longer than we have patience.
 */
import type { Clock, Timer } from '../../clock.js';
import { type Random, systemRandom } from '../../random.js';
import { isFinal, lostCode, type Message, type MessageWire, refusedCode, type WireClosed, type WireEvents } from './message-wire.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/** Up for so long, it was a good connection: the next pause is a short one again. */
const GOOD_MS = 5000;
const PING_MS = 2000;
/** More than this handed over and not read is given up with the connection: sound stops far below, so these are messages. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
/** No answer to a ping for so long: nobody reads. */
const SILENT_MS = 15_000;

export type LinkState = 'opening' | 'up' | 'waiting' | 'over';

export interface LinkOptions {
  readonly clock: Clock;
  readonly random?: Random;
  readonly open: (events: WireEvents) => MessageWire;
  /** How long it may be away before we give up. */
  readonly patienceMs: number;
  /** Can the wire answer pings? @default true */
  readonly pings?: boolean;
  /** After which end it is not tried again. @default a good-bye, or a refusal that will stay one */
  readonly isFinal?: (closed: WireClosed) => boolean;
}

export interface LinkEvents {
  onUp(connects: number): void;
  onMessage(message: Message): void;
  onDown(closed: WireClosed): void;
  /** Exactly once, and the last: it is not tried again. */
  onOver(closed: WireClosed): void;
}

export interface LinkStats {
  readonly state: LinkState;
  /** How often it came up. */
  readonly connects: number;
  /** Of its life, without a connection; until it first came up included. */
  readonly awayMs: number;
  /** From a ping to its answer, behind everything sent before: a far end that reads slowly shows here. Undefined before the first. */
  readonly roundTripMs: { readonly last: number; readonly max: number } | undefined;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #random: Random;
  readonly #events: LinkEvents;
  #state: LinkState = 'waiting';
  #wire: MessageWire | undefined;
  #timer: Timer | undefined;
  #connects = 0;
  #failures = 0;
  #awayMs = 0;
  /** Since when it is up, or away. */
  #since: number;
  #pingAt: number | undefined;
  #roundTrip: { last: number; max: number } | undefined;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#random = options.random ?? systemRandom;
    this.#events = events;
    this.#since = options.clock.now();
    this.#open();
  }

  get state(): LinkState {
    return this.#state;
  }

  get stats(): LinkStats {
    const away = this.#state === 'up' || this.#state === 'over' ? 0 : this.#now - this.#since;
    return {
      state: this.#state,
      connects: this.#connects,
      awayMs: this.#awayMs + away,
      roundTripMs: this.#roundTrip && { ...this.#roundTrip },
    };
  }

  /** Taken by the wire, and not by the system yet. */
  get queuedBytes(): number {
    return this.#state === 'up' ? this.#wire!.queuedBytes : 0;
  }

  /** False, and nothing is sent, while it is away. */
  send(message: Message): boolean {
    if (this.#state !== 'up') return false;
    this.#wire!.send(message);
    if (this.#wire!.queuedBytes > MAX_UNREAD_BYTES) this.#giveUp('it does not read');
    return this.#state === 'up';
  }

  /** We have finished. `onOver` does not come. */
  close(): void {
    if (this.#state === 'over') return;
    const wire = this.#wire;
    this.#finish();
    wire?.close();
  }

  get #now(): number {
    return this.#options.clock.now();
  }

  #open(): void {
    this.#state = 'opening';
    let isOurs = true;
    const events: WireEvents = {
      onOpen: () => isOurs && this.#onOpen(),
      onMessage: (message) => isOurs && this.#state === 'up' && this.#events.onMessage(message),
      onPong: () => isOurs && this.#onPong(),
      onClose: (closed) => {
        if (!isOurs) return;
        isOurs = false;
        this.#onClose(closed);
      },
    };
    this.#drop = () => {
      isOurs = false;
    };
    try {
      this.#wire = this.#options.open(events);
    } catch (error) {
      // A header that cannot be written, and the like: trying again changes nothing.
      this.#arm(0, () => this.#onClose({ code: refusedCode, reason: (error as Error).message }));
    }
  }

  /** What the present wire still says is nobody's. */
  #drop: () => void = () => {};

  #onOpen(): void {
    const now = this.#now;
    this.#awayMs += now - this.#since;
    this.#since = now;
    this.#state = 'up';
    this.#connects++;
    this.#pingAt = undefined;
    if (this.#options.pings !== false) this.#arm(PING_MS, this.#ping);
    this.#events.onUp(this.#connects);
  }

  readonly #ping = (): void => {
    const now = this.#now;
    if (this.#pingAt === undefined) {
      this.#pingAt = now;
      this.#wire!.ping();
    } else if (now - this.#pingAt >= SILENT_MS) {
      this.#giveUp(`nobody has read for ${Math.round((now - this.#pingAt) / 1000)} s`);
      return;
    }
    this.#arm(PING_MS, this.#ping);
  };

  #giveUp(reason: string): void {
    const wire = this.#wire!;
    this.#drop();
    wire.destroy();
    this.#onClose({ code: lostCode, reason });
  }

  #onPong(): void {
    if (this.#pingAt === undefined) return;
    const last = this.#now - this.#pingAt;
    this.#pingAt = undefined;
    this.#roundTrip = { last, max: Math.max(last, this.#roundTrip?.max ?? 0) };
  }

  #onClose(closed: WireClosed): void {
    if (this.#state === 'over') return;
    const now = this.#now;
    const wasUp = this.#state === 'up';
    if (wasUp) {
      if (now - this.#since >= GOOD_MS) this.#failures = 0;
      this.#since = now;
    }
    this.#wire = undefined;
    this.#state = 'waiting';
    this.#timer?.cancel();
    if (wasUp) this.#events.onDown(closed);
    // Whoever was told may have closed it.
    if ((this.#state as LinkState) === 'over') return;
    const pause = this.#pause();
    if ((this.#options.isFinal ?? isFinal)(closed) || now + pause - this.#since > this.#options.patienceMs) {
      this.#finish();
      this.#events.onOver(closed);
      return;
    }
    this.#arm(pause, () => this.#open());
  }

  /** Half of it is chance: when a service comes back, its callers do not all come at once. */
  #pause(): number {
    const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures++, 10));
    return whole * (0.5 + this.#random.fraction() / 2);
  }

  #arm(ms: number, task: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.at(this.#now + ms, task);
  }

  #finish(): void {
    if (this.#state !== 'up') this.#awayMs += this.#now - this.#since;
    this.#state = 'over';
    this.#timer?.cancel();
    this.#drop();
    this.#wire = undefined;
  }
}
