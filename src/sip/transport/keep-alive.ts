/** Keeping one flow alive, and noticing when it is not (RFC 5626 §4.4): when to ask for a sign of life, and when to stop hoping. */

export type KeepAliveEffect =
  | { readonly type: 'ping' }
  | { readonly type: 'arm'; readonly at: number }
  | { readonly type: 'disarm' }
  | { readonly type: 'dead' };

export interface KeepAliveSettings {
  /** The longest between two pings; each waits 80 to 100 % of it. */
  readonly intervalMs: number;
  /** `none`: the peer never promised to answer; the pings only hold the NAT open. */
  readonly answer: 'expected' | 'none';
  /** Uniform in [0, 1). */
  readonly fraction: () => number;
}

/** §4.4.1: a pong not seen within ten seconds means the flow has failed. */
export const ANSWER_WITHIN_MS = 10_000;
/** §4.4.1 for connections, §4.4.2 for datagrams. */
export const DEFAULT_INTERVAL_MS = { connection: 120_000, datagram: 29_000 } as const;

export class KeepAlive {
  readonly #settings: KeepAliveSettings;
  state: 'waiting' | 'asked' | 'stopped' = 'waiting';

  constructor(settings: KeepAliveSettings) {
    this.#settings = settings;
  }

  start(now: number): KeepAliveEffect[] {
    return [this.#next(now)];
  }

  onTimer(now: number): KeepAliveEffect[] {
    switch (this.state) {
      case 'waiting':
        if (this.#settings.answer === 'none') return [{ type: 'ping' }, this.#next(now)];
        this.state = 'asked';
        return [{ type: 'ping' }, { type: 'arm', at: now + ANSWER_WITHIN_MS }];
      case 'asked':
        this.state = 'stopped';
        return [{ type: 'dead' }];
      case 'stopped':
        return [];
    }
  }

  /** Any bytes of the peer: it lives, whether or not it was asked. */
  onAlive(now: number): KeepAliveEffect[] {
    if (this.state !== 'asked') return [];
    this.state = 'waiting';
    return [this.#next(now)];
  }

  /** The answer came, and it says that the NAT has given us another address, or that there will be none (§4.4.2). */
  onLost(): KeepAliveEffect[] {
    if (this.state === 'stopped') return [];
    this.state = 'stopped';
    return [{ type: 'disarm' }, { type: 'dead' }];
  }

  stop(): KeepAliveEffect[] {
    this.state = 'stopped';
    return [{ type: 'disarm' }];
  }

  #next(now: number): KeepAliveEffect {
    return { type: 'arm', at: now + this.#settings.intervalMs * (0.8 + 0.2 * this.#settings.fraction()) };
  }
}
