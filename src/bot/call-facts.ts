/** What an application can know of a call: who calls whom, since when, how it stands and how it ended. */
import type { CallEnd } from '../session/call-end.js';
import type { CallSession } from '../session/call-session.js';
import type { CallState } from '../session/call-state.js';
import type { CallEvents } from './call-events.js';
import { Party } from './party.js';
import { SafeEmitter } from './safe-emitter.js';

export interface CallHeaders {
  /** The first value; any case, long or compact name. */
  get(name: string): string | undefined;
  getAll(name: string): readonly string[];
  has(name: string): boolean;
}

export abstract class CallFacts extends SafeEmitter<CallEvents> {
  /** Its key in `bot.calls`: the Call-ID, with '#2' or so behind it while another call of this bot has that (one that comes back to us). */
  readonly id: string;
  readonly #session: CallSession;

  /** @internal */
  constructor(session: CallSession, id: string) {
    super();
    this.#session = session;
    this.id = id;
  }

  /** The header of that name: both ends, and every proxy between them, know the call by it. */
  get callId(): string {
    return this.#session.id;
  }

  get direction(): 'in' | 'out' {
    return this.#session.direction;
  }

  get state(): CallState {
    return this.#session.state;
  }

  get from(): Party {
    return new Party(this.#session.from);
  }

  get to(): Party {
    return new Party(this.#session.to);
  }

  get requestUri(): string {
    return this.#session.requestUri.toString();
  }

  /** P-Asserted-Identity: who the network says is calling. Only as true as the peer is trusted. */
  get asserted(): Party | undefined {
    const [first] = this.#session.request?.assertedIdentities ?? [];
    return first === undefined ? undefined : new Party(first);
  }

  /** Who forwarded the call here, last first. */
  get diversion(): readonly Party[] {
    return (this.#session.request?.diversions ?? []).map((diversion) => new Party(diversion.address));
  }

  /** Of the INVITE that began the call. */
  get headers(): CallHeaders {
    const request = this.#session.request;
    return {
      get: (name) => request?.header(name),
      getAll: (name) => request?.headers(name) ?? [],
      has: (name) => request?.has(name) ?? false,
    };
  }

  /** Where the peer's signalling is. */
  get remote(): { readonly address: string; readonly port: number; readonly transport: string } | undefined {
    return this.#session.remote;
  }

  /** What is sent; undefined until agreed. */
  get codec(): string | undefined {
    return this.#session.codec?.codec;
  }

  get startedAt(): Date {
    return new Date(this.#session.startedAt);
  }

  get answeredAt(): Date | undefined {
    const at = this.#session.answeredAt;
    return at === undefined ? undefined : new Date(at);
  }

  /** How it ended; undefined while it has not. */
  get end(): CallEnd | undefined {
    return this.#session.end;
  }
}
