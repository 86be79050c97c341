/**
 * Event state published to a server (RFC 3903, client): kept alive before it expires, changed under its entity-tag, taken back at the end.
 * One PUBLISH at a time (§4.1); a tag the server has forgotten (412) means publishing anew, too brief an interval (423) a longer one.
 */
import { EventEmitter } from 'eventemitter3';
import type { Clock, Timer } from '../../clock.js';
import { CallError, OptionError } from '../../errors.js';
import type { Random } from '../../random.js';
import type { CredentialSource } from '../auth/digest-client.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipResponse } from '../message/message.js';
import type { Uri } from '../message/uri.js';
import type { Body } from './invite-body.js';
import type { RequestOptions } from './outgoing-request.js';

export interface PublicationOptions {
  /** Whose state it is: the presentity. */
  readonly uri: string | Uri;
  /** The event package: 'presence'. */
  readonly event: string;
  /** How long the state is asked to live, in seconds. @default 3600 */
  readonly expiresS?: number;
  readonly from?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly route?: readonly string[];
  readonly credentials?: CredentialSource;
}

export interface PublicationEvents {
  /** The server holds our state for so many seconds. */
  published: [expiresS: number];
  /** It may hold it no longer; tried again in so many milliseconds. */
  failed: [response: SipResponse, retryInMs: number];
}

/** The part of an agent that publishes. */
export interface PublishingAgent {
  readonly clock: Clock;
  readonly random: Random;
  request(options: RequestOptions): Promise<SipResponse>;
  once(event: 'closing', listener: () => void): unknown;
  off(event: 'closing', listener: () => void): unknown;
}

export type PublicationState = 'idle' | 'published' | 'failing' | 'ended';

const MAX_EXPIRES_S = 2 ** 31;
const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 300_000;
/** 412 and 423 each once, and once more for luck. */
const MAX_ROUNDS = 4;

export class Publication extends EventEmitter<PublicationEvents> {
  readonly #agent: PublishingAgent;
  readonly #options: PublicationOptions;
  #expiresS: number;
  #state: PublicationState = 'idle';
  #body: Body | undefined;
  #tag: string | undefined;
  #failures = 0;
  #timer: Timer | undefined;
  /** The last PUBLISH asked for; the next waits for it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(agent: PublishingAgent, options: PublicationOptions) {
    super();
    const { expiresS = 3600 } = options;
    if (!(Number.isInteger(expiresS) && expiresS > 0 && expiresS < MAX_EXPIRES_S))
      throw new OptionError('expiresS', 'whole seconds, at least 1');
    this.#agent = agent;
    this.#options = options;
    this.#expiresS = expiresS;
    agent.once('closing', this.#end);
  }

  get state(): PublicationState {
    return this.#state;
  }

  /** Publishes, or changes what is published. Rejects with CallError when the server refuses; what was published before then stays alive. */
  publish(body: Body): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isOver()) throw new CallError('ERR_STATE', 0, 'publish: the publication has ended');
      const response = await this.#send(body, this.#expiresS);
      if (response.status >= 300) throw new CallError('ERR_REQUEST', response.status, response.reason);
      if (this.#isOver()) return;
      this.#body = body;
      this.#succeed(response);
    });
  }

  /** Takes the state back (§4.5) and ends. Resolves whatever the server says of it: it expires by itself. */
  remove(): Promise<void> {
    return this.#inTurn(async () => {
      const wasPublished = this.#tag !== undefined && this.#state !== 'ended';
      this.#end();
      if (wasPublished) await this.#send(undefined, 0);
      this.#tag = undefined;
    });
  }

  /** Asked anew after each wait: the agent may close meanwhile. */
  #isOver(): boolean {
    return this.#state === 'ended';
  }

  readonly #end = (): void => {
    this.#state = 'ended';
    this.#disarm();
    this.#agent.off('closing', this.#end);
  };

  #inTurn(task: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(task);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** `body` undefined: only the time is new (§4.3), or it is taken back. */
  async #send(body: Body | undefined, expiresS: number): Promise<SipResponse> {
    let lifetimeS = expiresS;
    for (let round = 1; ; round++) {
      const response = await this.#agent.request(this.#request(body, lifetimeS));
      if (round === MAX_ROUNDS) return response;
      if (response.status === 412 && this.#tag !== undefined && expiresS > 0) {
        this.#tag = undefined;
        body ??= this.#body;
      } else if (response.status === 423 && (response.minExpires ?? 0) > lifetimeS) {
        lifetimeS = this.#expiresS = response.minExpires!;
      } else return response;
    }
  }

  #request(body: Body | undefined, expiresS: number): RequestOptions {
    const { uri, event, from, headers = [], route, credentials } = this.#options;
    return {
      method: 'PUBLISH',
      uri,
      headers: [
        ['Event', event],
        ['Expires', String(expiresS)],
        ...(this.#tag === undefined ? [] : [['SIP-If-Match', this.#tag] as const]),
        ...headers,
      ],
      ...(from === undefined ? {} : { from }),
      ...(route === undefined ? {} : { route }),
      ...(credentials === undefined ? {} : { credentials }),
      ...(body === undefined ? {} : { body: body.bytes, contentType: body.contentType }),
    };
  }

  #succeed(response: SipResponse): void {
    // §4.1: every 2xx has a new tag and the lifetime that was granted.
    this.#tag = response.sipEtag ?? this.#tag;
    this.#failures = 0;
    this.#state = 'published';
    const grantedS = Math.min(response.expires ?? this.#expiresS, MAX_EXPIRES_S);
    this.#arm(1000 * (grantedS > 20 ? grantedS - Math.min(60, grantedS / 10) : grantedS / 2));
    this.emit('published', grantedS);
  }

  #arm(delayMs: number): void {
    this.#disarm();
    this.#timer = this.#agent.clock.at(this.#agent.clock.now() + delayMs, () => void this.#inTurn(() => this.#refresh()));
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #refresh(): Promise<void> {
    if (this.#isOver()) return;
    const response = await this.#send(this.#tag === undefined ? this.#body : undefined, this.#expiresS);
    if (this.#isOver()) return;
    if (response.status < 300) {
      this.#succeed(response);
      return;
    }
    this.#state = 'failing';
    const backOff = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, MAX_RETRY_MS) * (0.5 + this.#agent.random.fraction() / 2);
    const retryMs = Math.max(backOff, 1000 * (response.retryAfter?.seconds ?? 0));
    this.#arm(retryMs);
    this.emit('failed', response, retryMs);
  }
}
