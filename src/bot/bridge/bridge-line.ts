/**
 * What every bridge is inside: a link that is kept up, the caller's sound going one way and the platform's the other, comfort while nobody
 * is there, and the measures of it. What is said over the link, and how, is the platform's: one file each.
 */
import { OptionError } from '../../errors.js';
import { type Random, systemRandom } from '../../random.js';
import type { AudioCleared, AudioFrame } from '../audio.js';
import type { Call } from '../call.js';
import type { MarkOutcome } from '../mark-events.js';
import type { SoundSource } from '../sound.js';
import { Link, type LinkState } from '../wire/link.js';
import { type Message, type MessageWire, type WireClosed, type WireEvents, withoutKeys } from '../wire/message-wire.js';
import { isSilence, type SoundFormat } from '../wire/sound-format.js';
import { Uplink, type UplinkStats } from '../wire/uplink.js';
import { Comfort, comfortTone } from './comfort.js';
import { Downlink, type DownlinkStats } from './downlink.js';
import { type ResponseTimes, ResponseWatch } from './response-times.js';

/** What all bridges have in common. */
export interface BridgeOptions {
  /** How long the platform may be away, reconnections and all, before the bridge gives up. @default 30000 */
  readonly patienceMs?: number;
  /** So much of what the caller says, and presses, is kept for a platform that is away or does not read; older words are lost. @default 1000 */
  readonly holdMs?: number;
  /** So much of what the platform says is kept for the caller; what is beyond is refused. @default 300000 */
  readonly maxQueueMs?: number;
  /** What the caller hears while the platform is away; false: silence. @default two soft notes every three seconds */
  readonly comfort?: SoundSource | false;
  /** How long it is silent before that. @default 1000 */
  readonly comfortAfterMs?: number;
  /** The platform sends all the time, silence too: what was late once is caught up in its silence. @default false, AudioSocket: true */
  readonly live?: boolean;
  /** When the platform has finished or is given up: hang up, or leave the call to who listens for `gone`. @default 'hangup' */
  readonly whenGone?: 'hangup' | 'stay';
  /** Identifiers and the spreading of reconnections. */
  readonly random?: Random;
}

export interface BridgeEvents {
  /** The platform is there; `connects` is 1 the first time. */
  up: [link: { readonly connects: number }];
  /** It is lost, and being called again. */
  down: [closed: WireClosed];
  /** Exactly once: it has finished (`closed.code` 1000), or is given up. */
  gone: [closed: WireClosed];
}

export interface BridgeStats {
  readonly state: LinkState;
  readonly connects: number;
  readonly awayMs: number;
  /** A ping behind everything sent: what a slow reader makes of it. Undefined where the protocol has none. */
  readonly roundTripMs: { readonly last: number; readonly max: number } | undefined;
  /** From the end of the caller's speech to the platform's first sound. */
  readonly response: ResponseTimes | undefined;
  /** The caller's sound. */
  readonly up: UplinkStats;
  /** The platform's. */
  readonly down: DownlinkStats;
}

/** What a bridge says of its platform. */
export interface Platform {
  readonly name: string;
  readonly up: SoundFormat;
  readonly down: SoundFormat;
  readonly chunkMs: number;
  readonly pings?: boolean;
  open(events: WireEvents): MessageWire;
  /** Connected: time to introduce ourselves. */
  onUp(connects: number): void;
  onMessage(message: Message): void;
  onDown?(closed: WireClosed): void;
  onGone?(closed: WireClosed): void;
  onMark?(name: string, outcome: MarkOutcome['outcome']): void;
  /** A chunk of the caller's sound as the platform wants it; undefined: it wants none now. */
  sound(chunk: Uint8Array, timeMs: number): Message | undefined;
  isFinal?(closed: WireClosed): boolean;
}

/** Waiting in the wire, beyond what the system takes: more is held here, where old words can be lost. */
const MAX_WIRE_BYTES = 64 * 1024;

/** With more than this on the way to the caller, a live platform's silence is left out, until it is there again. */
const LIVE_LAG_MS = 100;

/** Keys that wait for a platform. */
const MAX_KEPT = 64;

export class BridgeLine {
  readonly call: Call;
  readonly random: Random;
  readonly #options: BridgeOptions;
  readonly #platform: Platform;
  readonly #link: Link;
  readonly #uplink: Uplink;
  readonly #downlink: Downlink;
  readonly #comfort: Comfort;
  readonly #responses = new ResponseWatch();
  readonly #kept: { readonly at: number; readonly make: () => Message | object }[] = [];
  readonly #holdMs: number;
  #isLeaving = false;

  constructor(call: Call, platform: Platform, options: BridgeOptions) {
    const { clock } = call.home;
    this.call = call;
    this.#platform = platform;
    this.#options = options;
    this.random = options.random ?? systemRandom;
    this.#holdMs = options.holdMs ?? 1000;
    this.#uplink = new Uplink({
      fromRate: call.sampleRate,
      format: platform.up,
      chunkMs: platform.chunkMs,
      holdMs: this.#holdMs,
      deliver: (chunk, timeMs) => this.#deliver(chunk, timeMs),
    });
    this.#downlink = new Downlink({
      audio: call.audio,
      clock,
      format: platform.down,
      maxQueueMs: options.maxQueueMs ?? 300_000,
      onMark: (name, outcome) => platform.onMark?.(name, outcome),
    });
    this.#comfort = new Comfort(call, clock, options.comfort ?? comfortTone, options.comfortAfterMs ?? 1000);
    call.on('speechStart', this.#onSpeechStart).on('speechEnd', this.#onSpeechEnd);
    this.#link = new Link(
      {
        clock,
        random: this.random,
        patienceMs: options.patienceMs ?? 30_000,
        open: (events) => platform.open(events),
        pings: platform.pings ?? true,
        ...(platform.isFinal === undefined ? {} : { isFinal: (closed) => platform.isFinal!(closed) }),
      },
      {
        onUp: (connects) => this.#guarded(() => this.#onUp(connects)),
        onMessage: (message) => this.#guarded(() => platform.onMessage(message)),
        onDown: (closed) => this.#guarded(() => this.#onDown(closed)),
        onOver: (closed) => this.#guarded(() => this.#onOver(closed)),
      },
    );
    this.#comfort.begin();
  }

  get stats(): BridgeStats {
    return { ...this.#link.stats, response: this.#responses.times, up: this.#uplink.stats, down: this.#downlink.stats };
  }

  get queuedMs(): number {
    return this.#downlink.queuedMs;
  }

  get #now(): number {
    return this.call.home.clock.now();
  }

  hear(frame: AudioFrame): void {
    this.#downlink.pump();
    this.#uplink.hear(frame);
  }

  /** Text, bytes, or what becomes JSON. */
  send(message: Message | object): boolean {
    return this.#link.send(typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message));
  }

  /** A key is worth as much as a word: said now, or when the platform is back within `holdMs`. */
  keep(make: () => Message | object): void {
    if (this.send(make())) return;
    if (this.#kept.push({ at: this.#now, make }) > MAX_KEPT) this.#kept.shift();
  }

  play(bytes: Uint8Array, format?: SoundFormat): boolean {
    if (this.#isLeaving) return true;
    const isQuiet = this.#options.live === true && isSilence(bytes, format ?? this.#platform.down);
    if (isQuiet && this.#downlink.queuedMs > LIVE_LAG_MS) return true;
    if (!isQuiet) this.#responses.answered(this.#now);
    const taken = this.#downlink.write(bytes, format);
    if (!taken) this.#warn('more was said than can be kept: it is dropped', { queuedMs: Math.round(this.#downlink.queuedMs) });
    return taken;
  }

  mark(name: string): void {
    this.#downlink.mark(name);
  }

  forgetMarks(isForgotten: (name: string) => boolean): void {
    this.#downlink.forgetMarks(isForgotten);
  }

  clear(): AudioCleared {
    return this.#downlink.clear();
  }

  /** The platform is finished with by us. */
  end(): void {
    const { logger } = this.call.home;
    logger.info({ call: this.call.id, bridge: this.#platform.name, ...this.stats }, 'a bridge ends: how its platform did');
    this.#link.close();
    this.#leave();
  }

  /** The platform ends the call, when what it said has been heard; what it says after that is not. */
  async hangup(): Promise<void> {
    this.#isLeaving = true;
    await this.drained();
    await this.call.hangup().catch(() => {});
  }

  /** All that the platform has said was heard, or cleared. */
  async drained(): Promise<void> {
    for (; this.#downlink.queuedMs > 0 && this.call.state !== 'ended'; this.#downlink.pump()) await this.call.audio.drained();
  }

  /** A bridge speaks with the application's own words too: what they throw ends their call, and no socket. */
  #guarded(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.call.fail(error);
    }
  }

  #deliver(chunk: Uint8Array, timeMs: number): boolean {
    if (this.#link.state !== 'up' || this.#link.queuedBytes > MAX_WIRE_BYTES) return false;
    const message = this.#platform.sound(chunk, timeMs);
    return message === undefined || this.#link.send(message);
  }

  #onUp(connects: number): void {
    this.#comfort.end();
    if (connects > 1) this.#log('is back');
    this.#platform.onUp(connects);
    const oldest = this.#now - this.#holdMs;
    for (const { at, make } of this.#kept.splice(0)) if (at >= oldest) this.send(make());
    this.#uplink.flush();
  }

  #onDown(closed: WireClosed): void {
    this.#log('was lost', closed);
    this.#downlink.cut();
    this.#comfort.begin();
    this.#platform.onDown?.(closed);
  }

  #onOver(closed: WireClosed): void {
    this.#log(closed.code === 1000 || closed.code === 1005 ? 'has finished' : 'is given up', closed);
    this.#leave();
    this.#platform.onGone?.(closed);
    if (this.#options.whenGone !== 'stay') void this.hangup();
  }

  #leave(): void {
    this.#comfort.end();
    this.call.off('speechStart', this.#onSpeechStart).off('speechEnd', this.#onSpeechEnd);
  }

  readonly #onSpeechStart = (): void => this.#responses.goesOn();

  readonly #onSpeechEnd = (): void => this.#responses.asked(this.#now);

  #log(what: string, closed?: WireClosed): void {
    const why = closed && { code: closed.code, reason: withoutKeys(closed.reason) };
    this.call.home.logger.info({ call: this.call.id, bridge: this.#platform.name, ...why }, `the platform ${what}`);
  }

  #hasWarned = false;

  #warn(what: string, fields: object): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.call.home.logger.warn({ call: this.call.id, bridge: this.#platform.name, ...fields }, what);
  }
}

/** A bridge carries one call: make one for each. */
export function checkUnused(line: BridgeLine | undefined): void {
  if (line !== undefined) throw new OptionError('bot', 'a bridge carries one call: make a new one for each');
}
