/** A registrar small enough to embed (RFC 3261 §10.3, RFC 3327, RFC 5626 §6, RFC 5627 §5): answers REGISTER, and says where a user can be reached. */
import { EventEmitter } from 'eventemitter3';
import type { Clock, Timer } from '../../clock.js';
import { OptionError } from '../../errors.js';
import type { Random } from '../../random.js';
import type { DigestAlgorithm } from '../auth/digest.js';
import { DigestServer, type Users } from '../auth/digest-server.js';
import { contactExpires, contactInstance, contactQ, contactRegId } from '../message/contact.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest } from '../message/message.js';
import type { NameAddr } from '../message/name-addr.js';
import { Params } from '../message/params.js';
import { parseUri, Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import type { TransportLayer } from '../transport/transport-layer.js';
import type { IncomingRequest } from './incoming-request.js';
import { type Binding, type Change, type Departure, LocationService, type Refusal } from './location-service.js';
import type { HandlerOptions, RequestHandler } from './user-agent-options.js';

export interface RegistrarOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Whose users may register: hosts of addresses of record. @default any */
  readonly domains?: readonly string[];
  /** With it, every REGISTER is asked for a password; without it, anybody is let in. */
  readonly users?: Users;
  /** @default the first domain, else 'sipbot' */
  readonly realm?: string;
  readonly algorithms?: readonly DigestAlgorithm[];
  /** Who may register what. @default the user of the address of record is the user who logged in */
  readonly mayRegister?: (user: string, addressOfRecord: Uri) => boolean;
  /** Granted where nothing is asked. @default 3600 */
  readonly defaultExpiresS?: number;
  /** Less is answered 423. @default 60 */
  readonly minExpiresS?: number;
  /** More is cut to it. @default 7200 */
  readonly maxExpiresS?: number;
  /** Contacts of one user. @default 10 */
  readonly maxContacts?: number;
  /** @default 10000 */
  readonly maxUsers?: number;
  /** Routes that registered agents are to put before their requests (RFC 3608). */
  readonly serviceRoute?: readonly string[];
  /** How often an outbound agent must give a sign of life, in seconds (RFC 5626 §5.4). @default 120 */
  readonly flowTimerS?: number;
}

/** One way to reach a user: send to `uri`, over `flow` while it is open, through `path`. */
export type Location = Binding;

export interface RegistrarEvents {
  registered: [addressOfRecord: string, location: Location];
  unregistered: [addressOfRecord: string, location: Location, why: Departure];
}

/** What an agent lends to a registrar. */
export interface RegistrarHost {
  readonly transports: TransportLayer;
  /** `options.authenticate` is to be asked before the handler is. */
  handle(method: string, handler: RequestHandler, options?: HandlerOptions): void;
}

interface Reply {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
}

const MAX_CHANGES = 32;
const MAX_PATH = 16;
const REFUSALS: Readonly<Record<Refusal, Reply>> = {
  // §10.3 step 7: an older REGISTER must not undo a newer one.
  'out-of-order': { status: 500, reason: 'Out Of Order' },
  'too-many-contacts': { status: 403, reason: 'Too Many Contacts' },
  'too-many-users': { status: 503 },
};

export class Registrar extends EventEmitter<RegistrarEvents> {
  readonly #options: RegistrarOptions;
  readonly #clock: Clock;
  readonly #digest: DigestServer | undefined;
  readonly #service: LocationService;
  readonly #domains: ReadonlySet<string> | undefined;
  readonly #watched = new Map<Flow, () => void>();
  #transports: TransportLayer | undefined;
  #timer: { readonly at: number; readonly timer: Timer } | undefined;

  constructor(options: RegistrarOptions) {
    super();
    this.#options = options;
    const { clock, random, users, domains, algorithms, minExpiresS = 60, maxExpiresS = 7200 } = options;
    if (minExpiresS > maxExpiresS) throw new OptionError('minExpiresS', 'at most maxExpiresS');
    this.#clock = clock;
    this.#domains = domains && new Set(domains.map((domain) => domain.toLowerCase()));
    const realm = options.realm ?? domains?.[0] ?? 'sipbot';
    if (users !== undefined)
      this.#digest = new DigestServer({ realm, users, random, clock, ...(algorithms === undefined ? {} : { algorithms }) });
    this.#service = new LocationService(
      { maxContacts: options.maxContacts ?? 10, maxUsers: options.maxUsers ?? 10_000 },
      {
        onArrived: (aor, binding) => this.emit('registered', aor, binding),
        onLeft: (aor, binding, why) => this.emit('unregistered', aor, binding, why),
      },
    );
  }

  /** Takes the agent's REGISTER requests; the agent asks for passwords, so that its guard hears of wrong ones. */
  attach(host: RegistrarHost): this {
    this.#transports = host.transports;
    host.handle('REGISTER', (incoming) => this.handle(incoming), this.#digest === undefined ? {} : { authenticate: this.#digest });
    return this;
  }

  async handle(incoming: IncomingRequest): Promise<void> {
    const { status, reason, headers } = await this.answer(incoming.request, incoming.flow, incoming.user);
    incoming.reply(status, { ...(reason === undefined ? {} : { reason }), ...(headers === undefined ? {} : { headers }) });
  }

  /** Where a user can be reached, in the order to try (RFC 3261 §16.6); a GRUU leads to its own agent alone (RFC 5627 §5.3). Any URI or text of one. */
  lookup(addressOfRecord: string | Uri): readonly Location[] {
    const uri = typeof addressOfRecord === 'string' ? parseUri(addressOfRecord) : addressOfRecord;
    if (uri === undefined || !uri.isSip) return [];
    const bindings = this.#service.bindings(canonical(uri), this.#clock.now());
    const instance = uri.params.get('gr');
    return instance === undefined ? bindings : bindings.filter(({ instanceId }) => instanceId === instance);
  }

  /** Users with at least one binding. */
  get size(): number {
    return this.#service.users;
  }

  close(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    for (const unwatch of this.#watched.values()) unwatch();
    this.#watched.clear();
  }

  /** §10.3, step by step; step 2 (Require) is the agent's. `user`: who has answered our challenge already. */
  async answer(request: SipRequest, flow: Flow, user?: string): Promise<Reply> {
    const aor = request.to?.uri;
    if (aor === undefined || !aor.isSip || aor.user === undefined) return { status: 400, reason: 'Bad Address Of Record' };
    const domain = aor.host.toLowerCase();
    if (this.#domains !== undefined && !this.#domains.has(domain)) return { status: 404 };
    const extra: HeaderEntry[] = [];
    if (this.#digest !== undefined) {
      const verdict =
        user === undefined ? await this.#digest.check(request, flow.remote.address) : { type: 'accepted' as const, user, headers: [] };
      if (verdict.type === 'challenge') return { status: verdict.status, headers: verdict.headers };
      if (verdict.type === 'refused') return { status: verdict.status };
      const mayRegister = this.#options.mayRegister ?? ((name: string, of: Uri) => of.user === name);
      if (!mayRegister(verdict.user, aor)) return { status: 403 };
      extra.push(...verdict.headers);
    }
    const refusal = this.#update(request, aor, flow);
    if (refusal !== undefined) return refusal;
    return { status: 200, headers: [...extra, ...this.#describe(request, aor)] };
  }

  /** §10.3 steps 6 and 7. */
  #update(request: SipRequest, aor: Uri, flow: Flow): Reply | undefined {
    const { contacts } = request;
    const key = canonical(aor);
    const now = this.#clock.now();
    const callId = request.callId!;
    const cseq = request.cseq!.number;
    if (contacts === '*') {
      if (request.expires !== 0) return { status: 400, reason: 'Contact * Needs Expires 0' };
      const refusal = this.#service.clear(key, callId, cseq, now);
      this.#armTimer(Number.POSITIVE_INFINITY);
      return refusal && REFUSALS[refusal];
    }
    if (contacts.length < request.headers('Contact').length) return { status: 400, reason: 'Bad Contact' };
    if (contacts.length > MAX_CHANGES) return { status: 403, reason: 'Too Many Contacts' };
    const changes: Change[] = [];
    for (const contact of contacts) {
      const change = this.#changeOf(request, contact, flow, now);
      if ('status' in change) return change;
      changes.push(change);
    }
    if (changes.length === 0) return undefined;
    const refusal = this.#service.apply(key, changes, now);
    if (refusal !== undefined) return REFUSALS[refusal];
    this.#watch(flow);
    this.#armTimer(Math.min(...changes.filter(({ type }) => type === 'put').map(({ binding }) => binding.expiresAt)));
    return undefined;
  }

  #changeOf(request: SipRequest, contact: NameAddr, flow: Flow, now: number): Change | Reply {
    const { defaultExpiresS = 3600, minExpiresS = 60, maxExpiresS = 7200 } = this.#options;
    const asked = contactExpires(contact) ?? request.expires ?? defaultExpiresS;
    // §10.3 step 7: only what is both too brief for us and less than an hour may be refused.
    if (asked > 0 && asked < minExpiresS && asked < 3600) return { status: 423, headers: [['Min-Expires', String(minExpiresS)]] };
    const isDirect = request.vias.length === 1;
    const instance = contactInstance(contact);
    const path = request.headers('Path').slice(0, MAX_PATH);
    // §6 of RFC 5626: with a proxy between, it must be an edge that keeps the flow, and says so.
    const isOutbound = (isDirect || request.paths[0]?.uri.params.has('ob') === true) && request.supported.includes('outbound');
    const binding: Binding = {
      uri: contact.uri,
      q: contactQ(contact),
      expiresAt: now + Math.min(asked, maxExpiresS) * 1000,
      callId: request.callId!,
      cseq: request.cseq!.number,
      path,
      flow: isDirect ? flow : undefined,
      received: flow.remote,
      instanceId: instance?.replace(/^<|>$/g, ''),
      regId: isOutbound && instance !== undefined ? contactRegId(contact) : undefined,
      userAgent: request.userAgent,
    };
    return { type: asked === 0 ? 'remove' : 'put', binding };
  }

  /** §10.3 step 8: everything there is, not only what was asked about. */
  #describe(request: SipRequest, aor: Uri): HeaderEntry[] {
    const now = this.#clock.now();
    const headers: HeaderEntry[] = [];
    const bindings = this.#service.bindings(canonical(aor), now);
    const wantsGruu = request.supported.includes('gruu');
    for (const { uri, q, expiresAt, instanceId, regId } of bindings) {
      let params = Params.of({ expires: String(Math.max(1, Math.ceil((expiresAt - now) / 1000))) });
      if (q !== 1) params = params.with('q', String(q));
      if (instanceId !== undefined) params = params.with('+sip.instance', `<${instanceId}>`);
      if (regId !== undefined) params = params.with('reg-id', String(regId));
      if (wantsGruu && instanceId !== undefined) params = params.with('pub-gruu', publicGruu(aor, instanceId));
      headers.push(['Contact', `<${uri}>${params}`]);
    }
    headers.push(['Date', new Date(this.#clock.wall()).toUTCString()]);
    if (request.supported.includes('path')) for (const path of request.headers('Path').slice(0, MAX_PATH)) headers.push(['Path', path]);
    for (const route of this.#options.serviceRoute ?? []) headers.push(['Service-Route', route]);
    if (bindings.some(({ regId, callId }) => regId !== undefined && callId === request.callId)) {
      headers.push(['Require', 'outbound'], ['Flow-Timer', String(this.#options.flowTimerS ?? 120)]);
    }
    return headers;
  }

  #watch(flow: Flow): void {
    if (!flow.reliable || this.#watched.has(flow) || this.#transports === undefined) return;
    const unwatch = this.#transports.watch(flow, () => {
      this.#watched.delete(flow);
      this.#service.onFlowClosed(flow);
    });
    this.#watched.set(flow, unwatch);
  }

  /** One timer, due no later than the next binding to go; it may find that one refreshed. */
  #armTimer(at: number): void {
    const isEmpty = this.#service.users === 0;
    if (!isEmpty && (this.#timer?.at ?? Number.POSITIVE_INFINITY) <= at) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    if (isEmpty || at === Number.POSITIVE_INFINITY) return;
    const timer = this.#clock.at(at, () => {
      this.#timer = undefined;
      this.#service.expire(this.#clock.now());
      this.#armTimer(this.#service.nextExpiry ?? Number.POSITIVE_INFINITY);
    });
    this.#timer = { at, timer };
  }
}

/** §10.3 step 5: the scheme, the user and the host; no parameter counts. */
function canonical(uri: Uri): string {
  return new Uri({ scheme: 'sip', user: uri.user, host: uri.host.toLowerCase() }).toString();
}

/** RFC 5627 §5.1. */
function publicGruu(aor: Uri, instanceId: string): string {
  const { scheme, user, host } = aor;
  return new Uri({ scheme, user, host, params: Params.noneUri.with('gr', instanceId) }).toString();
}
