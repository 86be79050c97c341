/** Who can be reached where (RFC 3261 §10.3, RFC 5626 §6, RFC 5627 §5): bindings of addresses of record, in memory and bounded. Time comes in as `now`. */
import type { SocketAddress } from '../../network.js';
import type { Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';

export interface Binding {
  readonly uri: Uri;
  /** 0 to 1. */
  readonly q: number;
  /** On the clock of the registrar. */
  readonly expiresAt: number;
  readonly callId: string;
  readonly cseq: number;
  /** Routes to put before a request (RFC 3327). */
  readonly path: readonly string[];
  /** Over which it was registered, when nobody stood between: behind a NAT the only way back. */
  readonly flow: Flow | undefined;
  readonly received: SocketAddress;
  readonly instanceId: string | undefined;
  readonly regId: number | undefined;
  readonly userAgent: string | undefined;
}

export interface Change {
  readonly binding: Binding;
  readonly type: 'put' | 'remove';
}

export type Refusal = 'out-of-order' | 'too-many-contacts' | 'too-many-users';

export interface LocationLimits {
  /** @default 10 */
  readonly maxContacts: number;
  /** @default 10000 */
  readonly maxUsers: number;
}

export type Departure = 'removed' | 'expired' | 'replaced' | 'flow';

export interface LocationListener {
  onArrived(aor: string, binding: Binding): void;
  onLeft(aor: string, binding: Binding, why: Departure): void;
}

export class LocationService {
  readonly #limits: LocationLimits;
  readonly #listener: LocationListener;
  readonly #users = new Map<string, Binding[]>();
  readonly #byFlow = new Map<Flow, Set<string>>();

  constructor(limits: LocationLimits, listener: LocationListener) {
    this.#limits = limits;
    this.#listener = listener;
  }

  get users(): number {
    return this.#users.size;
  }

  /** When the next binding expires; undefined when there is none. */
  get nextExpiry(): number | undefined {
    let next: number | undefined;
    for (const bindings of this.#users.values()) for (const { expiresAt } of bindings) next = Math.min(next ?? expiresAt, expiresAt);
    return next;
  }

  /** Those that hold at `now`, the dearest first, of equals the latest. */
  bindings(aor: string, now: number): Binding[] {
    return (this.#users.get(aor) ?? [])
      .filter(({ expiresAt, flow, regId }) => expiresAt > now && !(regId !== undefined && flow?.isOpen === false))
      .sort((a, b) => b.q - a.q || b.expiresAt - a.expiresAt);
  }

  /** §10.3 step 7: all of it or nothing. */
  apply(aor: string, changes: readonly Change[], now: number): Refusal | undefined {
    const before = (this.#users.get(aor) ?? []).filter(({ expiresAt }) => expiresAt > now);
    let after = before;
    for (const { type, binding } of changes) {
      const same = after.find((known) => isSameBinding(known, binding));
      if (same !== undefined && same.callId === binding.callId && same.cseq >= binding.cseq && before.includes(same)) return 'out-of-order';
      after = after.filter((known) => known !== same);
      if (type === 'put') after = [...after, binding];
    }
    if (after.length > this.#limits.maxContacts && after.length > before.length) return 'too-many-contacts';
    if (before.length === 0 && after.length > 0 && this.#users.size >= this.#limits.maxUsers && !this.#users.has(aor))
      return 'too-many-users';
    this.#replace(aor, before, after, 'removed');
    return undefined;
  }

  /** §10.2.2: `Contact: *`. */
  clear(aor: string, callId: string, cseq: number, now: number): Refusal | undefined {
    const before = this.#users.get(aor) ?? [];
    if (before.some((known) => known.expiresAt > now && known.callId === callId && known.cseq >= cseq)) return 'out-of-order';
    this.#replace(aor, before, [], 'removed');
    return undefined;
  }

  expire(now: number): void {
    for (const [aor, bindings] of [...this.#users]) {
      const left = bindings.filter(({ expiresAt }) => expiresAt > now);
      if (left.length < bindings.length) this.#replace(aor, bindings, left, 'expired');
    }
  }

  /** RFC 5626 §6: a flow that is gone takes its outbound bindings with it; the agent comes back over another. */
  onFlowClosed(flow: Flow): void {
    for (const aor of [...(this.#byFlow.get(flow) ?? [])]) {
      const bindings = this.#users.get(aor) ?? [];
      this.#replace(
        aor,
        bindings,
        bindings.filter((binding) => binding.flow !== flow || binding.regId === undefined),
        'flow',
      );
    }
  }

  #replace(aor: string, before: readonly Binding[], after: readonly Binding[], why: Departure): void {
    if (after.length === 0) this.#users.delete(aor);
    else this.#users.set(aor, [...after]);
    for (const { flow } of before) if (flow !== undefined) this.#byFlow.get(flow)?.delete(aor);
    for (const { flow } of before) if (flow !== undefined && this.#byFlow.get(flow)?.size === 0) this.#byFlow.delete(flow);
    for (const { flow } of after) {
      if (flow === undefined) continue;
      const users = this.#byFlow.get(flow) ?? new Set();
      this.#byFlow.set(flow, users.add(aor));
    }
    for (const known of before) {
      if (after.includes(known)) continue;
      const successor = after.find((binding) => isSameBinding(binding, known));
      if (successor === undefined) this.#listener.onLeft(aor, known, why);
      else if (!successor.uri.equals(known.uri)) this.#listener.onLeft(aor, known, 'replaced');
    }
    for (const binding of after) {
      const isNew = !before.some((known) => isSameBinding(known, binding) && known.uri.equals(binding.uri));
      if (isNew) this.#listener.onArrived(aor, binding);
    }
  }
}

/** RFC 5626 §6: by instance and reg-id where both are given; else by the address, §19.1.4. */
function isSameBinding(a: Binding, b: Binding): boolean {
  if (a.regId !== undefined && b.regId !== undefined && a.instanceId !== undefined) {
    return a.instanceId === b.instanceId && a.regId === b.regId;
  }
  return a.uri.equals(b.uri);
}
