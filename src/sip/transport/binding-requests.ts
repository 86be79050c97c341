/** STUN Binding requests under way (RFC 8489 §6.2.1): asked, repeated, answered or given up. */
import type { Clock, Timer } from '../../clock.js';
import type { SocketAddress } from '../../network.js';
import type { Random } from '../../random.js';
import { type StunMessage, writeBindingRequest } from './stun.js';

/** §6.2.1: RTO 500 ms doubled, seven requests, then sixteen RTOs more: 39.5 s in all. */
const RESEND_AT_MS: readonly number[] = [500, 1500, 3500, 7500, 15_500, 31_500];
const GIVE_UP_AT_MS = 39_500;

interface Pending {
  readonly remote: SocketAddress;
  readonly answer: (mapped: SocketAddress | undefined) => void;
  timer: Timer;
}

export class BindingRequests {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pending = new Map<string, Pending>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The address that `remote` sees us at; undefined when it does not say. */
  ask(remote: SocketAddress, send: (bytes: Uint8Array) => void, giveUpMs: number = GIVE_UP_AT_MS): Promise<SocketAddress | undefined> {
    const transactionId = this.#random.bytes(12);
    const key = keyOf(transactionId);
    const bytes = writeBindingRequest(transactionId);
    const start = this.#clock.now();
    return new Promise((resolve) => {
      const arm = (sent: number): Timer => {
        const next = RESEND_AT_MS[sent];
        const at = next === undefined || next >= giveUpMs ? giveUpMs : next;
        return this.#clock.at(start + at, () => {
          if (at === giveUpMs) return this.#settle(key, undefined);
          send(bytes);
          pending.timer = arm(sent + 1);
        });
      };
      const pending: Pending = { remote, answer: resolve, timer: arm(0) };
      this.#pending.set(key, pending);
      send(bytes);
    });
  }

  /** An answer from anybody but the one asked is nobody's: an attacker who guesses 96 bits must also forge the source. */
  onMessage(message: StunMessage, from: SocketAddress): void {
    if (message.type === 'request') return;
    const key = keyOf(message.transactionId);
    const pending = this.#pending.get(key);
    if (pending === undefined || pending.remote.port !== from.port || pending.remote.address !== from.address) return;
    this.#settle(key, message.type === 'success' ? message.mapped : undefined);
  }

  close(): void {
    for (const key of [...this.#pending.keys()]) this.#settle(key, undefined);
  }

  #settle(key: string, mapped: SocketAddress | undefined): void {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    this.#pending.delete(key);
    pending.timer.cancel();
    pending.answer(mapped);
  }
}

function keyOf(transactionId: Uint8Array): string {
  return String.fromCharCode(...transactionId);
}
