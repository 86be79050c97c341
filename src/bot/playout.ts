/** One sound on its way to the caller: its state, its end, and the truth about how much of it was sent. */

export type PlayMode = 'queue' | 'replace' | 'mix';
export type Interruption = 'dtmf' | 'speech';

export interface PlayoutResult {
  /** 'ended': with the call. */
  readonly outcome: 'completed' | 'interrupted' | 'ended';
  /** Of this sound, really sent to the peer. */
  readonly playedMs: number;
}

export class Playout {
  /** Rejects only when the sound itself cannot be had or read; the end of the call is an outcome. */
  readonly done: Promise<PlayoutResult>;
  /** Called when its first sample has left. */
  onSounded: (() => void) | undefined;
  readonly mode: PlayMode;
  readonly interruptOn: readonly Interruption[];
  readonly #interrupt: (playout: Playout) => number;
  #settle!: (result: PlayoutResult) => void;
  #fail!: (error: unknown) => void;
  #state: 'waiting' | 'playing' | 'done' = 'waiting';
  #playedMs = 0;

  /** @internal: `call.play` makes them. */
  constructor(mode: PlayMode, interruptOn: readonly Interruption[], interrupt: (playout: Playout) => number) {
    this.mode = mode;
    this.interruptOn = interruptOn;
    this.#interrupt = interrupt;
    this.done = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    // Nobody need await a prompt: its failure is also logged, and must not become an unhandled rejection.
    this.done.catch(() => {});
  }

  get state(): 'waiting' | 'playing' | 'done' {
    return this.#state;
  }

  /** Stops it at once. `playedMs` is exact: what the media thread had taken counts as played, the rest is never sent. */
  interrupt(): { readonly playedMs: number } {
    return { playedMs: this.#state === 'done' ? this.#playedMs : this.#interrupt(this) };
  }

  /** @internal */
  began(): void {
    if (this.#state === 'waiting') this.#state = 'playing';
  }

  /** @internal */
  sounded(): void {
    this.onSounded?.();
  }

  /** @internal */
  finish(outcome: PlayoutResult['outcome'], playedMs: number): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#playedMs = playedMs;
    this.#settle({ outcome, playedMs });
  }

  /** @internal */
  failed(error: unknown): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#fail(error);
  }
}
