/** The keep-alives of a layer: one machine a flow, its timer, and what a ping is on each transport (RFC 5626 §4.4, RFC 7118 §6). */
import type { Clock, Timer } from '../../clock.js';
import type { SocketAddress } from '../../network.js';
import type { Random } from '../../random.js';
import type { Flow } from './flow.js';
import { DEFAULT_INTERVAL_MS, KeepAlive, type KeepAliveEffect } from './keep-alive.js';

export interface KeepAliveOptions {
  /** The longest between two pings, in ms. @default 120000 for connections, 29000 for datagrams */
  readonly intervalMs?: number;
  /** `expected`: without an answer the flow has failed. `none`: only keeps the NAT open. */
  readonly answer: 'expected' | 'none';
}

interface HeartsContext {
  readonly clock: Clock;
  readonly random: Random;
  /** Bytes or a frame that mean nothing but "I am here". */
  readonly ping: (flow: Flow) => void;
  /** The STUN question; undefined when nobody answered. */
  readonly ask: (flow: Flow) => Promise<SocketAddress | undefined>;
  readonly onDead: (flow: Flow, why: string) => void;
}

interface Heart {
  readonly machine: KeepAlive;
  readonly answer: 'expected' | 'none';
  timer: Timer | undefined;
  /** What STUN said last. */
  mapped: SocketAddress | undefined;
}

export class Hearts {
  readonly #context: HeartsContext;
  readonly #hearts = new Map<Flow, Heart>();

  constructor(context: HeartsContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#hearts.size;
  }

  /** One at a time on a flow: a second one takes the place of the first. */
  start(flow: Flow, options: KeepAliveOptions): { stop(): void } {
    this.stop(flow);
    const { clock, random } = this.#context;
    const usual = flow.reliable ? DEFAULT_INTERVAL_MS.connection : DEFAULT_INTERVAL_MS.datagram;
    const { answer, intervalMs = usual } = options;
    const machine = new KeepAlive({ answer, intervalMs, fraction: () => random.fraction() });
    const heart: Heart = { machine, answer, timer: undefined, mapped: undefined };
    if (flow.isOpen) {
      this.#hearts.set(flow, heart);
      this.#do(flow, heart, machine.start(clock.now()));
    }
    return {
      stop: () => {
        if (this.#hearts.get(flow) === heart) this.stop(flow);
      },
    };
  }

  stop(flow: Flow): void {
    const heart = this.#hearts.get(flow);
    if (heart === undefined) return;
    this.#hearts.delete(flow);
    this.#do(flow, heart, heart.machine.stop());
  }

  stopAll(): void {
    for (const flow of [...this.#hearts.keys()]) this.stop(flow);
  }

  onAlive(flow: Flow): void {
    const heart = this.#hearts.get(flow);
    if (heart !== undefined) this.#do(flow, heart, heart.machine.onAlive(this.#context.clock.now()));
  }

  #do(flow: Flow, heart: Heart, effects: readonly KeepAliveEffect[]): void {
    const { clock, onDead } = this.#context;
    for (const effect of effects) {
      switch (effect.type) {
        case 'ping':
          if (!flow.reliable && heart.answer === 'expected') void this.#ask(flow, heart);
          else this.#context.ping(flow);
          break;
        case 'arm':
          heart.timer?.cancel();
          heart.timer = clock.at(effect.at, () => this.#do(flow, heart, heart.machine.onTimer(clock.now())));
          break;
        case 'disarm':
          heart.timer?.cancel();
          heart.timer = undefined;
          break;
        case 'dead':
          this.#hearts.delete(flow);
          onDead(flow, 'no sign of life');
          break;
      }
    }
  }

  /** §4.4.2: an answer keeps the flow; another address than last time means that the NAT has lost us. */
  async #ask(flow: Flow, heart: Heart): Promise<void> {
    const mapped = await this.#context.ask(flow);
    if (this.#hearts.get(flow) !== heart || mapped === undefined) return;
    const before = heart.mapped;
    heart.mapped = mapped;
    const moved = before !== undefined && (before.address !== mapped.address || before.port !== mapped.port);
    this.#do(flow, heart, moved ? heart.machine.onLost() : heart.machine.onAlive(this.#context.clock.now()));
  }
}
