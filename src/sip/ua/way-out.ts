/**
 * From a target to a flow: connection reuse is the transport's, the size rule of RFC 3261 §18.1.1 is here. A request too large for a datagram
 * goes over TCP to the same place; where nobody takes TCP within a second it goes by UDP after all, and that is remembered for a while.
 */
import type { Clock } from '../../clock.js';
import type { Flow } from '../transport/flow.js';
import type { Target } from '../transport/transport.js';

export interface LargeRequestOptions {
  /** A UDP request of more bytes than this goes over TCP. @default 1300 */
  readonly bytes?: number;
  /** How long TCP may take to be there, in ms, before UDP is taken after all. @default 1000 */
  readonly fallbackMs?: number;
}

/** The part of the transport layer this needs. */
export interface Flows {
  flowTo(target: Target): Promise<Flow>;
}

/** What UDP over IPv4 can carry. */
export const MAX_DATAGRAM = 65_507;
const REMEMBERED_MS = 300_000;
const MAX_REMEMBERED = 1024;

export class WayOut {
  readonly #flows: Flows;
  readonly #clock: Clock;
  readonly #bytes: number;
  readonly #fallbackMs: number;
  /** Where TCP was tried in vain, and until when not to try again; oldest first. */
  readonly #withoutTcp = new Map<string, number>();

  constructor(flows: Flows, clock: Clock, options: LargeRequestOptions = {}) {
    this.#flows = flows;
    this.#clock = clock;
    this.#bytes = options.bytes ?? 1300;
    this.#fallbackMs = options.fallbackMs ?? 1000;
  }

  flowTo(target: Target): Promise<Flow> {
    return this.#flows.flowTo(target);
  }

  /** Whether a message of so many bytes had better not go on this flow. */
  isTooLarge(flow: Flow, bytes: number): boolean {
    if (flow.transport !== 'udp' || bytes <= this.#bytes) return false;
    // What no datagram can carry is tried over TCP whatever happened there before.
    const until = bytes > MAX_DATAGRAM ? undefined : this.#withoutTcp.get(keyOf(flow));
    return until === undefined || until <= this.#clock.now();
  }

  /** A TCP flow to where the datagram flow leads; undefined when there is none to be had, and the datagram has to do. */
  async largeFlow(flow: Flow, host: string): Promise<Flow | undefined> {
    const target: Target = { transport: 'tcp', address: flow.remote.address, port: flow.remote.port, host };
    const tcp = await this.#within(this.#flows.flowTo(target));
    if (tcp === undefined) this.#remember(flow);
    return tcp;
  }

  #within(connecting: Promise<Flow>): Promise<Flow | undefined> {
    return new Promise((resolve) => {
      const late = this.#clock.at(this.#clock.now() + this.#fallbackMs, () => resolve(undefined));
      connecting.then(
        (flow) => {
          late.cancel();
          resolve(flow);
        },
        () => {
          late.cancel();
          resolve(undefined);
        },
      );
    });
  }

  #remember(flow: Flow): void {
    const key = keyOf(flow);
    this.#withoutTcp.delete(key);
    this.#withoutTcp.set(key, this.#clock.now() + REMEMBERED_MS);
    if (this.#withoutTcp.size > MAX_REMEMBERED) this.#withoutTcp.delete(this.#withoutTcp.keys().next().value!);
  }
}

function keyOf(flow: Flow): string {
  return `${flow.remote.address} ${flow.remote.port}`;
}
