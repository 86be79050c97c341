/** Events whose listeners belong to the application: one that throws or rejects is caught and told, and disturbs neither the house nor the other listeners. */
import EventEmitter from 'eventemitter3';

type AnyListener = (...args: never[]) => unknown;

/** What may listen: an async function is as good as any. */
export type SafeListener<Args extends unknown[]> = (...args: Args) => unknown;

export type EventMap<Events> = { [Name in keyof Events]: unknown[] };

export abstract class SafeEmitter<Events extends EventMap<Events>> {
  readonly #emitter = new EventEmitter();
  /** The guarded twin of each listener, event by event, so that `off` finds it. */
  #guarded: WeakMap<AnyListener, Map<keyof Events, (...args: unknown[]) => void>> | undefined;

  /** A listener of `event` threw or rejected. */
  protected abstract onListenerFailed(event: keyof Events, error: unknown, args: readonly unknown[]): void;

  /** The first listener came, or the last one went. */
  protected onListening(_event: keyof Events): void {}

  on<Name extends keyof Events & string>(event: Name, listener: SafeListener<Events[Name]>): this {
    this.#emitter.on(event, this.#guard(event, listener));
    this.onListening(event);
    return this;
  }

  once<Name extends keyof Events & string>(event: Name, listener: SafeListener<Events[Name]>): this {
    this.#emitter.once(event, this.#guard(event, listener));
    this.onListening(event);
    return this;
  }

  off<Name extends keyof Events & string>(event: Name, listener: SafeListener<Events[Name]>): this {
    const guarded = this.#guarded?.get(listener as AnyListener)?.get(event);
    if (guarded !== undefined) this.#emitter.off(event, guarded);
    this.onListening(event);
    return this;
  }

  listenerCount(event: keyof Events & string): number {
    return this.#emitter.listenerCount(event);
  }

  protected emit<Name extends keyof Events & string>(event: Name, ...args: Events[Name]): boolean {
    return this.#emitter.emit(event, ...args);
  }

  protected removeAllListeners(): void {
    this.#emitter.removeAllListeners();
  }

  #guard<Name extends keyof Events & string>(event: Name, listener: SafeListener<Events[Name]>): (...args: unknown[]) => void {
    const plain = listener as (...args: unknown[]) => unknown;
    this.#guarded ??= new WeakMap();
    const twins = this.#guarded.get(listener as AnyListener) ?? new Map<keyof Events, (...args: unknown[]) => void>();
    this.#guarded.set(listener as AnyListener, twins);
    const known = twins.get(event);
    if (known !== undefined) return known;
    const guarded = (...args: unknown[]): void => {
      try {
        const result = plain.apply(this, args);
        if (isThenable(result)) result.then(undefined, (error: unknown) => this.onListenerFailed(event, error, args));
      } catch (error) {
        this.onListenerFailed(event, error, args);
      }
    };
    twins.set(event, guarded);
    return guarded;
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
