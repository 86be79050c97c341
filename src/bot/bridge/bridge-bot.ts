/** The part of a bridge that is the same for all: a Bot for one call, its line, and the events that tell how the platform fares. */
import type { AudioFrame } from '../audio.js';
import type { Bot } from '../bot.js';
import type { Call } from '../call.js';
import type { AudioOptions } from '../options.js';
import { type EventMap, SafeEmitter } from '../safe-emitter.js';
import type { WireClosed } from '../wire/message-wire.js';
import { type BridgeEvents, BridgeLine, type BridgeOptions, type BridgeStats, checkUnused, type Platform } from './bridge-line.js';

export abstract class BridgeBot<Events extends EventMap<Events> & BridgeEvents = BridgeEvents> extends SafeEmitter<Events> implements Bot {
  readonly borrowsAudio = true;
  abstract readonly audio: AudioOptions;
  readonly #options: BridgeOptions;
  #line: BridgeLine | undefined;

  constructor(options: BridgeOptions) {
    super();
    this.#options = options;
  }

  /** Undefined before the call is answered. */
  stats(): BridgeStats | undefined {
    return this.#line?.stats;
  }

  onStart(call: Call): void {
    checkUnused(this.#line);
    const platform = this.platform(call);
    const line = new BridgeLine(
      call,
      {
        ...platform,
        onUp: (connects) => {
          platform.onUp(connects);
          this.#tell('up', { connects });
        },
        onDown: (closed) => {
          platform.onDown?.(closed);
          this.#tell('down', closed);
        },
        onGone: (closed) => {
          platform.onGone?.(closed);
          this.#tell('gone', closed);
        },
      },
      this.#options,
    );
    this.#line = line;
  }

  onAudio(frame: AudioFrame): void {
    this.#line?.hear(frame);
  }

  onEnd(): void {
    this.#line?.end();
  }

  /** What is said to the platform about this call, and what it says. `line` is there from the first event on. */
  protected abstract platform(call: Call): Platform;

  protected get line(): BridgeLine {
    return this.#line!;
  }

  protected get isStarted(): boolean {
    return this.#line !== undefined;
  }

  protected override onListenerFailed(_event: keyof Events, error: unknown): void {
    this.#line?.call.fail(error);
  }

  #tell(event: 'up' | 'down' | 'gone', told: { readonly connects: number } | WireClosed): void {
    (this.emit as (name: string, what: unknown) => boolean).call(this, event, told);
  }
}
