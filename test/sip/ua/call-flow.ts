/**
 * Plays a call flow of an RFC: our agent is one of its actors, all others are a scripted far end on the same memory network. What the agent hears are
 * the messages of the RFC, with our Call-ID, tags, branches, numbers and addresses in place of those that the RFC gave our actor; what it sends is
 * compared with the RFC message by message.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SipMessage, SipRequest } from '../../../src/sip/message/message.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure } from '../../../src/sip/message/parse-failure.js';
import { parseUri, type Uri } from '../../../src/sip/message/uri.js';
import { write } from '../../../src/sip/message/write.js';
import type { Flow } from '../../../src/sip/transport/flow.js';
import type { Resolver } from '../../../src/sip/transport/resolver.js';
import { TransportLayer } from '../../../src/sip/transport/transport-layer.js';
import { type Body, bodyOf } from '../../../src/sip/ua/invite-body.js';
import type { IncomingInvite } from '../../../src/sip/ua/invite-incoming.js';
import type { OutgoingInvite } from '../../../src/sip/ua/invite-outgoing.js';
import type { InviteHandler } from '../../../src/sip/ua/invite-usage.js';
import { type OutsideReferral, receiveRefer, referOutside } from '../../../src/sip/ua/refer-dialog.js';
import type { ReferSubscription } from '../../../src/sip/ua/refer-subscription.js';
import { OutgoingSubscription } from '../../../src/sip/ua/subscription-outgoing.js';
import type { UserAgent } from '../../../src/sip/ua/user-agent.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { Town } from './two-agents.js';

const OURS = '192.0.2.101';
const THEIRS = '192.0.2.200';

/** The messages of a file, in order; LF made CRLF, folds kept, Content-Length as the body has it. */
export function readFlow(data: string, file: string): SipMessage[] {
  const text = readFileSync(join(data, 'rfc-callflows-rtckit', file), 'utf8');
  return text
    .split(/^- \|\+?\s*$/m)
    .slice(1)
    .map((item) => {
      const lines = item
        .replace(/^\n/, '')
        .split('\n')
        .map((line) => line.replace(/^ {2}/, ''));
      const blank = lines.indexOf('');
      const head = (blank === -1 ? lines : lines.slice(0, blank)).filter((line) => !/^content-length:/i.test(line));
      const body =
        blank === -1
          ? ''
          : lines
              .slice(blank + 1)
              .join('\r\n')
              .replace(/(\r\n)+$/, '\r\n')
              .replace(/^\r\n$/, '');
      // RFC 3515 §4 writes placeholders where a value would stand.
      const filled = head.map((line) =>
        line
          // Registrations run over TLS there, and without it here.
          .replace(/sips:/g, 'sip:')
          .replace('SIP/2.0/TLS', 'SIP/2.0/TCP')
          .replace(/\(whatever URI\)|\(some different URI\)/, '<sip:c@atlanta.example.com>')
          .replace(/expires=\(.*\)/, 'expires=60'),
      );
      const message = parse(
        new TextEncoder().encode(`${filled.join('\r\n')}\r\nContent-Length: ${new TextEncoder().encode(body).length}\r\n\r\n${body}`),
      );
      if (isParseFailure(message)) throw new Error(`${file}: ${message.failure}`);
      return message;
    });
}

/** '>3' the agent sends message 3 of the flow, '<4' it hears message 4; '+32000' the clock runs. */
export type Play = string;

export interface PlayOptions {
  readonly credentials?: { readonly user: string; readonly password: string };
  /** Messages whose named part is not what the RFC prints, with the reason: 'number part' → reason. */
  readonly deviations?: Readonly<Record<string, string>>;
}

export class FlowPlayer {
  readonly town = new Town({ delayMs: 1 });
  readonly #rfc: readonly SipMessage[];
  readonly #options: PlayOptions;
  readonly #arrived: { readonly message: SipMessage; readonly flow: Flow }[] = [];
  /** RFC value → ours: Call-IDs, tags, the URIs of our actor's Contacts. */
  readonly #ours = new Map<string, string>();
  /** Branches of requests that our actor sends: the whole Via, ours. */
  readonly #vias = new Map<string, string>();
  /** CSeq numbers of our actor's requests, by RFC number and Call-ID. */
  readonly #numbers = new Map<string, number>();
  /** Flow of the last request of ours, by RFC branch; for answering. */
  readonly #flows = new Map<string, Flow>();
  readonly #firstNumbers = new Map<string, readonly [theirs: number, ours: number]>();
  readonly #contacts: string[] = [];
  /** What our actor says next in the RFC: the answer to an offer that it hears now. */
  #next: SipMessage | undefined;
  #isRefused = false;
  #isChallenged = false;
  #farEnd!: TransportLayer;
  #agent!: UserAgent;
  #referrals: OutsideReferral | undefined;
  #call: OutgoingInvite | IncomingInvite | undefined;
  readonly #subscriptions: ReferSubscription[] = [];
  /** Whether our INVITE offers; else our answer, in the ACK, is what the RFC has there. */
  #lateAnswer: Body | undefined;
  #settled: Promise<unknown>[] = [];

  constructor(rfc: readonly SipMessage[], options: PlayOptions = {}) {
    this.#rfc = rfc;
    this.#options = options;
  }

  /** Plays it; the differences found, and what is left in the tables afterwards. */
  async play(script: Play): Promise<{ readonly differences: string[]; readonly left: Record<string, number> }> {
    await this.#open();
    const differences: string[] = [];
    const steps = script.split(' ');
    for (const [i, step] of steps.entries()) {
      const number = Number(step.slice(1));
      this.#next =
        this.#rfc[
          Number(
            steps
              .slice(i)
              .find((later) => later.startsWith('>'))
              ?.slice(1),
          ) - 1
        ];
      if (step.startsWith('+')) await this.town.clock.run(number);
      else if (step.startsWith('<')) await this.#hear(number);
      else differences.push(...(await this.#send(number)));
    }
    await this.town.clock.run(100);
    for (const { message } of this.#arrived)
      differences.push(`unexpected: ${message.kind === 'request' ? message.method : message.status}`);
    // Timers H, J, M and their kin; a call that the RFC leaves standing is hung up first.
    const closing = Promise.all(this.town.agents.map((agent) => agent.close(0)));
    await this.town.clock.run(60_000);
    await closing;
    await Promise.allSettled(this.#settled);
    await this.#farEnd.close();
    const left = await this.town.close();
    return { differences, left };
  }

  async #open(): Promise<void> {
    const everywhere: Resolver = { naptr: async () => [], srv: async () => [], a: async () => [THEIRS], aaaa: async () => [] };
    const { credentials } = this.#options;
    this.#agent = await this.town.settle('us', OURS, {
      resolver: everywhere,
      listen: [
        { transport: 'udp', host: OURS, port: 5060 },
        { transport: 'tcp', host: OURS, port: 5060 },
      ],
      ...(credentials && { credentials }),
    });
    this.#agent.on('invite', (incoming) => {
      this.#call = incoming;
      incoming.handler = this.#handler();
    });
    this.#agent.handle('REFER', (incoming) => receiveRefer(this.#agent, incoming.transaction, this.#handler()));
    this.#farEnd = new TransportLayer({ clock: this.town.clock, random: new SeededRandom(7), network: this.town.network });
    for (const transport of ['udp', 'tcp'] as const) await this.#farEnd.listen({ transport, host: THEIRS, port: 5060 });
    this.#farEnd.onMessage = (message, flow) => this.#arrived.push({ message, flow });
  }

  #handler(): InviteHandler {
    return {
      onOffer: () => {
        const body = this.#next && bodyOf(this.#next);
        return { status: 200, ...(body && { body }) };
      },
      onSuccess: () => this.#lateAnswer,
      onRefer: (_request, subscription) => {
        this.#subscriptions.push(subscription);
        return { status: 202 };
      },
    };
  }

  // ---- hearing ----

  async #hear(number: number): Promise<void> {
    const message = this.#adapt(this.#rfc[number - 1]!);
    if (message.kind === 'response' && message.cseq?.method === 'INVITE') this.#isRefused = message.status >= 300;
    if (message.kind === 'response' && (message.status === 401 || message.status === 407)) this.#isChallenged = true;
    const branch = message.vias[0]?.branch ?? '';
    const flow = message.kind === 'response' ? this.#flows.get(branch) : undefined;
    const target = { transport: 'udp', address: OURS, port: 5060, host: OURS } as const;
    const way = flow ?? (await this.#farEnd.flowTo(target));
    // The far end takes only responses to a Via that it has said.
    this.#farEnd.sentBy(way);
    way.send(write(message));
    await this.town.clock.run(5);
  }

  /** The RFC's message with our values where the RFC has those of our actor. */
  #adapt(rfc: SipMessage): SipMessage {
    const made = rfc.kind === 'request' && this.#isOurContact(rfc.uri) ? rfc.withUri(this.#contactUri()) : rfc.clone();
    const callId = rfc.callId!;
    if (rfc.kind === 'response') {
      // Our own Via is the last one the far end has left on; it comes back as it went, received added.
      const vias = rfc.headers('Via').map((via, i) => this.#vias.get(rfc.vias[i]?.branch ?? '') ?? via);
      made.set('Via', ...vias);
      const mine = this.#numbers.get(`${callId} ${rfc.cseq!.number}`);
      if (mine !== undefined) made.set('CSeq', `${mine} ${rfc.cseq!.method}`);
    } else {
      // Our answers must come back to the far end, wherever the RFC says it is.
      made.replaceFirst('Via', `SIP/2.0/UDP ${THEIRS}:5060;branch=${rfc.via?.branch};rport`);
    }
    for (const name of ['From', 'To']) {
      const tag = name === 'From' ? rfc.from?.tag : rfc.to?.tag;
      const mine = tag === undefined ? undefined : this.#ours.get(`${callId} ${tag}`);
      if (mine !== undefined) made.set(name, rfc.header(name)!.replace(`tag=${tag}`, `tag=${mine}`));
    }
    made.set('Call-ID', this.#ours.get(callId) ?? callId);
    const { event } = rfc;
    if (event?.id !== undefined) made.set('Event', `${event.type};id=${this.#numbers.get(`${callId} ${event.id}`) ?? event.id}`);
    return made;
  }

  #isOurContact(uri: Uri): boolean {
    return this.#contacts.some((text) => sameAddress(text, `${uri}`));
  }

  #contactUri(): Uri {
    return parseUri(`sip:us@${OURS}:5060`)!;
  }

  // ---- sending ----

  async #send(number: number): Promise<string[]> {
    const rfc = this.#rfc[number - 1]!;
    if (this.#arrived.length === 0 && !this.#isRepeated(rfc)) this.#trigger(rfc);
    await this.town.clock.runUntil(() => this.#arrived.length > 0, 40_000).catch(() => {});
    const found = this.#arrived.shift();
    if (found === undefined) return [`${number}: nothing was sent`];
    this.#learn(rfc, found.message, found.flow);
    return this.#compare(number, rfc, found.message);
  }

  /** A retransmission needs nobody to ask for it. */
  #isRepeated(rfc: SipMessage): boolean {
    return rfc.kind === 'request' && rfc.method !== 'CANCEL' && this.#vias.has(rfc.via?.branch ?? '');
  }

  /** What the application does for this message to be sent; most are sent by themselves. */
  #trigger(rfc: SipMessage): void {
    if (rfc.kind === 'response') {
      const call = this.#call as IncomingInvite | undefined;
      if (rfc.cseq?.method !== 'INVITE' || call?.direction !== 'in' || call.state !== 'early') return;
      const body = bodyOf(rfc);
      if (rfc.status < 200) this.#settle(call.progress(rfc.status, { ...(body && { body }) }));
      else if (rfc.status < 300) this.#settle(call.accept({ ...(body && { body }) }));
      else call.reject(rfc.status, { reason: rfc.reason });
      return;
    }
    const body = bodyOf(rfc);
    const call = this.#call;
    switch (rfc.method) {
      case 'INVITE':
        if (rfc.to?.tag !== undefined) {
          this.#settle(call!.reinvite({ ...(body && { body }) }));
          return;
        }
        if (body === undefined)
          this.#lateAnswer = bodyOf(
            this.#rfc.find((other) => other.kind === 'request' && other.method === 'ACK' && other.body.length > 0) ?? rfc,
          );
        this.#call = this.#agent.invite({
          uri: rfc.uri,
          from: withoutTag(rfc.header('From')!),
          to: rfc.header('To')!,
          route: rfc.headers('Route'),
          ...(body && { body }),
          handler: this.#handler(),
          ...(this.#redirectedFrom(rfc) && { after: call as OutgoingInvite }),
          ...(rfc.replaces && { replaces: rfc.header('Replaces')! }),
        });
        return;
      case 'BYE':
        this.#settle(call!.bye());
        return;
      case 'CANCEL':
        (call as OutgoingInvite).cancel();
        return;
      case 'UPDATE':
        this.#settle(call!.update({ ...(body && { body }) }));
        return;
      case 'REFER':
        this.#refer(rfc);
        return;
      case 'NOTIFY':
        this.#subscriptions.at(-1)?.notify(Number(/\d{3}/.exec(rfc.bodyText)?.[0]));
        return;
      case 'SUBSCRIBE':
        new OutgoingSubscription(this.#agent, {
          uri: rfc.uri,
          from: withoutTag(rfc.header('From')!),
          event: rfc.event!.type,
          expiresS: rfc.expires ?? 3600,
          accept: rfc.headers('Accept'),
          route: rfc.headers('Route'),
        });
        return;
      case 'ACK':
        return;
      default:
        this.#settle(
          this.#agent.request({
            method: rfc.method,
            uri: rfc.uri,
            from: withoutTag(rfc.header('From')!),
            to: rfc.header('To')!,
            route: rfc.headers('Route'),
            headers: rfc.entries.filter(([name]) => /^(contact|expires|supported)$/i.test(name)),
          }),
        );
    }
  }

  #refer(rfc: SipRequest): void {
    const options = { referTo: rfc.header('Refer-To')! };
    if (rfc.to?.tag === undefined)
      this.#referrals = referOutside(this.#agent, { uri: rfc.uri, from: withoutTag(rfc.header('From')!), ...options });
    else this.#referrals?.again(options);
  }

  /** §8.1.3.4: the RFC keeps the Call-ID. */
  #redirectedFrom(rfc: SipRequest): boolean {
    return this.#call?.direction === 'out' && this.#ours.has(rfc.callId!);
  }

  #settle(promise: Promise<unknown>): void {
    promise.catch(() => {});
    this.#settled.push(promise);
  }

  /** What the RFC calls by names of its own is learnt when it is first seen, and must stay what it was. */
  #learn(rfc: SipMessage, sent: SipMessage, flow: Flow): void {
    const remember = (key: string, value: string | undefined): void => {
      if (value !== undefined && !this.#ours.has(key)) this.#ours.set(key, value);
    };
    const { callId = '' } = rfc;
    remember(callId, sent.callId);
    if (sent.kind === 'request') {
      const branch = rfc.via?.branch ?? '';
      remember(`${callId} ${rfc.from?.tag}`, sent.from?.tag);
      if (!this.#vias.has(branch)) this.#vias.set(branch, sent.header('Via')!);
      this.#flows.set(sent.via!.branch!, flow);
      const key = `${rfc.callId} ${rfc.cseq!.number}`;
      if (!this.#numbers.has(key)) this.#numbers.set(key, sent.cseq!.number);
      const first = [rfc.cseq!.number, sent.cseq!.number] as const;
      if (!this.#firstNumbers.has(rfc.callId!)) this.#firstNumbers.set(rfc.callId!, first);
    } else remember(`${callId} ${rfc.to?.tag}`, sent.to?.tag);
    if (rfc.contact !== undefined) this.#contacts.push(`${rfc.contact.uri}`);
  }

  // ---- comparing ----

  #compare(number: number, rfc: SipMessage, sent: SipMessage): string[] {
    const expected = shapeOf(this.#adapt(rfc));
    if (rfc.kind === 'request') {
      const [theirs, ours] = this.#firstNumbers.get(rfc.callId!)!;
      expected['cseq'] = `${rfc.cseq!.number - theirs + ours} ${rfc.method}`;
      expected['via'] = this.#vias.get(rfc.via?.branch ?? '') ?? '';
    }
    // What our actor proves before it is asked, the RFC has from an exchange that it does not show.
    if (!this.#isChallenged) delete expected['proof'];
    if (rfc.kind === 'request' && rfc.method === 'ACK' && this.#isRefused) {
      // §17.1.1.3: the ACK of a refusal copies the Route of its INVITE; RFC 3665 prints it without.
      delete expected['route'];
    }
    // §22.1: every ACK bears the credentials of its INVITE; RFC 3665 prints none.
    if (expected['what'] === 'ACK') delete expected['proof'];
    // §9.2 gives the 200 of a CANCEL our tag; RFC 3665 prints none.
    if (rfc.kind === 'response' && rfc.to?.tag === undefined) delete expected['toTag'];
    const found = shapeOf(sent);
    return Object.entries(expected)
      .filter(([part, value]) => found[part] !== value && this.#options.deviations?.[`${number} ${part}`] === undefined)
      .map(([part, value]) => `${number} ${part}: ${found[part]} instead of ${value}`);
  }
}

/** What an outsider can check without knowing whose message it is. */
function shapeOf(message: SipMessage): Record<string, string> {
  const shape = {
    what: message.kind === 'request' ? message.method : String(message.status),
    from: `${message.from?.uri}`.toLowerCase(),
    to: `${message.to?.uri}`.toLowerCase(),
    fromTag: message.from?.tag ?? '',
    toTag: message.to?.tag ?? '',
    callId: message.callId ?? '',
    cseq: `${message.cseq?.number} ${message.cseq?.method}`,
    contact: String(message.has('Contact')),
    body: message.bodyText.trimEnd(),
  };
  if (message.kind === 'response')
    return { ...shape, recordRoute: message.headers('Record-Route').join(', '), via: message.vias.map(({ branch }) => branch).join(' ') };
  return {
    ...shape,
    // RFC 3665 writes `transport=tcp` into Contacts, and leaves it out of the Request-URIs made of them.
    uri: `${message.uri}`.toLowerCase().replace(';transport=tcp', ''),
    route: message.headers('Route').join(', '),
    via: message.header('Via')!,
    proof: message.proxyAuthorization.map(({ params }) => `${params.get('username')} at ${params.get('realm')}`).join(', '),
  };
}

function withoutTag(from: string): string {
  return from.replace(/;\s*tag=[^;]*/, '');
}

function sameAddress(a: string, b: string): boolean {
  return a.split(';')[0]!.toLowerCase() === b.split(';')[0]!.toLowerCase();
}
