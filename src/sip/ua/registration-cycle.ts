/**
 * The life of one registration, without a socket or a message (RFC 3261 §10.2, RFC 5626 §4.2 to §4.5): when to register, refresh, wait and give up.
 * What the application is told it is told once: a state that lasts is not repeated, however often it is tried in the meantime.
 */

export type RegistrationState = 'unregistered' | 'registering' | 'registered' | 'retrying' | 'refused' | 'unregistering';

export type CycleTimer = 'next' | 'expiry';

export interface Rejection {
  /** 0: nobody answered. */
  readonly status: number;
  /** Asking again will not help: a wrong password, a user nobody knows. */
  readonly isRefusal: boolean;
  readonly retryAfterMs?: number;
}

export type CycleEffect =
  | { readonly type: 'register' }
  | { readonly type: 'unregister' }
  | { readonly type: 'arm'; readonly timer: CycleTimer; readonly at: number }
  | { readonly type: 'disarm'; readonly timer: CycleTimer }
  | { readonly type: 'registered' }
  | { readonly type: 'unregistered'; readonly reason: 'stopped' | 'expired' }
  /** `retryAt`: undefined when it will not be tried again. */
  | { readonly type: 'failed'; readonly retryAt: number | undefined };

export interface CycleOptions {
  /** Uniform in [0, 1). */
  readonly fraction: () => number;
  /** The first wait after a failure is at most twice this. @default 5000 */
  readonly retryBaseMs?: number;
  /** The longest wait between two tries. @default 300000 */
  readonly retryMaxMs?: number;
}

/** Many who lose one server must not come back in one instant. */
const RECOVER_WITHIN_MS = 2_000;

export class RegistrationCycle {
  readonly #fraction: () => number;
  readonly #baseMs: number;
  readonly #maxMs: number;
  state: RegistrationState = 'unregistered';
  /** What the application believes. */
  #told: 'nothing' | 'registered' | 'failed' | 'refused' = 'nothing';
  #failures = 0;
  #hasBeenRegistered = false;
  boundUntil: number | undefined;

  constructor(options: CycleOptions) {
    this.#fraction = options.fraction;
    this.#baseMs = options.retryBaseMs ?? 5_000;
    this.#maxMs = options.retryMaxMs ?? 300_000;
  }

  start(): CycleEffect[] {
    switch (this.state) {
      case 'unregistered':
      case 'refused':
        this.state = 'registering';
        this.#told = 'nothing';
        this.#failures = 0;
        return [{ type: 'register' }];
      case 'registering':
      case 'registered':
      case 'retrying':
      case 'unregistering':
        return [];
    }
  }

  /** A 200 that holds our binding, for `lifeMs` from now. */
  onAccepted(lifeMs: number, now: number): CycleEffect[] {
    switch (this.state) {
      case 'registering':
      case 'registered':
      case 'retrying': {
        this.state = 'registered';
        this.#failures = 0;
        this.#hasBeenRegistered = true;
        this.boundUntil = now + lifeMs;
        const effects: CycleEffect[] = [
          // Early enough that a try that goes unanswered can be followed by another before the binding is gone.
          { type: 'arm', timer: 'next', at: now + lifeMs * (0.75 + 0.15 * this.#fraction()) },
          { type: 'arm', timer: 'expiry', at: this.boundUntil },
        ];
        if (this.#told !== 'registered') effects.push({ type: 'registered' });
        this.#told = 'registered';
        return effects;
      }
      case 'unregistered':
      case 'refused':
      case 'unregistering':
        return [];
    }
  }

  onRejected(rejection: Rejection, now: number): CycleEffect[] {
    switch (this.state) {
      case 'registering':
      case 'registered':
      case 'retrying':
        // A registrar that knew us and refuses us now may be one that has just been started, its users not yet loaded: asked again, seldom.
        if (rejection.isRefusal && !this.#hasBeenRegistered) return this.#refuse();
        return this.#wait(rejection, now);
      case 'unregistered':
      case 'refused':
      case 'unregistering':
        return [];
    }
  }

  onTimer(timer: CycleTimer): CycleEffect[] {
    switch (this.state) {
      case 'registered':
      case 'retrying':
      case 'registering':
        if (timer === 'expiry') return this.#expire();
        return this.state === 'registering' ? [] : [{ type: 'register' }];
      case 'unregistered':
      case 'refused':
      case 'unregistering':
        return [];
    }
  }

  /** RFC 5626 §4.5: what we registered over is gone; calls cannot reach us until there is another. */
  onFlowLost(now: number): CycleEffect[] {
    if (this.state !== 'registered') return [];
    return [{ type: 'arm', timer: 'next', at: now + RECOVER_WITHIN_MS * this.#fraction() }];
  }

  /** Our address is another than the one we registered: at once. */
  onMoved(): CycleEffect[] {
    return this.state === 'registered' ? [{ type: 'disarm', timer: 'next' }, { type: 'register' }] : [];
  }

  /** `underway`: a REGISTER has been sent and not answered, so that there may be a binding nobody told us of. */
  stop(request: 'underway' | 'none'): CycleEffect[] {
    switch (this.state) {
      case 'registering':
      case 'registered':
      case 'retrying': {
        const disarm: CycleEffect[] = [
          { type: 'disarm', timer: 'next' },
          { type: 'disarm', timer: 'expiry' },
        ];
        if (this.boundUntil === undefined && request === 'none') return [...disarm, ...this.#end()];
        this.state = 'unregistering';
        return [...disarm, { type: 'unregister' }];
      }
      case 'refused':
        this.state = 'unregistered';
        return [];
      case 'unregistered':
      case 'unregistering':
        return [];
    }
  }

  /** The un-registration was answered, or nobody cared to. */
  onUnregistered(): CycleEffect[] {
    return this.state === 'unregistering' ? this.#end() : [];
  }

  #end(): CycleEffect[] {
    const wasTold = this.#told;
    this.state = 'unregistered';
    this.boundUntil = undefined;
    this.#told = 'nothing';
    this.#hasBeenRegistered = false;
    return wasTold === 'nothing' ? [] : [{ type: 'unregistered', reason: 'stopped' }];
  }

  #refuse(): CycleEffect[] {
    this.state = 'refused';
    this.#told = 'refused';
    return [
      { type: 'disarm', timer: 'next' },
      { type: 'failed', retryAt: undefined },
    ];
  }

  #wait(rejection: Rejection, now: number): CycleEffect[] {
    this.state = 'retrying';
    this.#failures++;
    const longest = rejection.isRefusal ? this.#maxMs : Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(this.#failures, 30));
    const wait = Math.max(longest * (0.5 + 0.5 * this.#fraction()), rejection.retryAfterMs ?? 0);
    const retryAt = now + wait;
    const effects: CycleEffect[] = [{ type: 'arm', timer: 'next', at: retryAt }];
    if (this.#told !== 'failed') effects.push({ type: 'failed', retryAt });
    this.#told = 'failed';
    return effects;
  }

  #expire(): CycleEffect[] {
    if (this.boundUntil === undefined) return [];
    this.boundUntil = undefined;
    return [{ type: 'unregistered', reason: 'expired' }];
  }
}
