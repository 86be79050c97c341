/**
 * One request as one exchange, however many attempts it takes: the targets of RFC 3263 §4.3 one after the other, each with a branch of its own,
 * 401 and 407 answered (RFC 3261 §22), CANCEL at the right moment (§9.1). Its user hears one final response, ours (`LocalResponse`) where no peer gave one.
 */
import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import type { Random } from '../../random.js';
import type { CredentialSource } from '../auth/digest-client.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Uri } from '../message/uri.js';
import { write } from '../message/write.js';
import type { ClientTransaction } from '../transaction/client-transaction.js';
import type { EndReason } from '../transaction/effects.js';
import type { TransactionLayer } from '../transaction/layer.js';
import type { Flow } from '../transport/flow.js';
import type { TargetResolver } from '../transport/resolve.js';
import type { Target } from '../transport/transport.js';
import type { ClientExchange, SendOptions } from './agent-core.js';
import { LocalResponse } from './local-response.js';
import { MAX_DATAGRAM, type WayOut } from './way-out.js';

/** What knows how to answer a 401 or 407: the digest client. */
export interface ChallengeAnswerer {
  /** Puts the answer into `retry`; otherwise says why it did not. */
  answer(retry: SipRequest, response: SipResponse, credentials: CredentialSource): string | undefined;
  /** Answers in advance what this place asked before. */
  prime(request: SipRequest, credentials: CredentialSource): void;
  /** A success may say what to answer with next time. */
  learn(request: SipRequest, response: SipResponse): void;
}

/** What an agent lends to its requests. */
export interface RunnerHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly product: string;
  readonly transactions: TransactionLayer<Flow>;
  readonly wayOut: WayOut;
  readonly resolver: Pick<TargetResolver, 'resolve' | 'markDown' | 'markUp'>;
  readonly digest: ChallengeAnswerer;
  readonly credentials: CredentialSource | undefined;
  /** A new Via for a request that leaves on `flow`. */
  viaFor(flow: Flow): string;
  contactFor(flow: Flow): string;
  /** Something came back on `flow`: what it says about our address from outside. */
  onAnswered(response: SipResponse, flow: Flow): void;
  readonly runners: Set<RequestRunner>;
}

/** Challenges answered for one request: a proxy or two, the server, and a stale nonce of each. */
const MAX_CHALLENGES = 5;

export class RequestRunner implements ClientExchange {
  readonly #host: RunnerHost;
  readonly #options: SendOptions;
  readonly #isInvite: boolean;
  /** What the next attempt is a copy of: the request as given, then with the credentials and CSeq of the last. */
  #base: SipRequest;
  /** Still to be tried; undefined while they have not been asked for. */
  #targets: Target[] | undefined;
  #target: Target | undefined;
  /** Why the last target could not be reached: a refused connection, an expired certificate. */
  #trouble: string | undefined;
  #attempt: SipRequest;
  #transaction: ClientTransaction<Flow> | undefined;
  #flow: Flow | undefined;
  /** Of the current attempt: a response of any kind has come. */
  #isHeard = false;
  #isFinal = false;
  #isCancelled = false;
  #isAbandoned = false;
  #challenges = 0;
  readonly #onAbort = (): void => this.#abort();

  constructor(host: RunnerHost, options: SendOptions) {
    this.#host = host;
    this.#options = options;
    this.#base = options.request;
    this.#attempt = options.request;
    this.#isInvite = options.request.method === 'INVITE';
  }

  start(): void {
    const { flow, target, signal } = this.#options;
    this.#host.runners.add(this);
    if (signal !== undefined) {
      if (signal.aborted) {
        this.#finishLater(487, 'aborted before it was sent');
        return;
      }
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    if (target !== undefined) this.#targets = [target];
    if (flow?.isOpen) this.#sendOn(flow);
    else if (flow !== undefined && target === undefined && this.#options.nextHop === undefined)
      this.#finishLater(503, 'the flow is closed');
    else this.#next();
  }

  cancel(headers?: readonly HeaderEntry[]): void {
    if (this.#isFinal || !this.#isInvite) return;
    this.#isCancelled = true;
    if (this.#transaction === undefined) this.#finish(487, 'cancelled before it was sent');
    else this.#transaction.cancel(headers);
  }

  abandon(): void {
    this.#isAbandoned = true;
    this.#release();
  }

  /** The final response has been told, though further 2xx may come. */
  get isSettled(): boolean {
    return this.#isFinal;
  }

  /** The agent stops: nothing more is sent, and the user hears so. */
  stop(): void {
    this.#finish(503, 'the agent has stopped');
  }

  #abort(): void {
    if (this.#isInvite) this.cancel();
    else this.#finish(487, 'aborted');
  }

  /** The next target, or the end. */
  #next(): void {
    if (this.#targets !== undefined) {
      this.#tryTarget();
      return;
    }
    this.#targets = [];
    this.#host.resolver.resolve(this.#options.nextHop ?? nextHopOf(this.#base)).then(
      (targets) => {
        this.#targets = [...targets];
        if (targets.length === 0) this.#finish(404, 'the name leads nowhere');
        else this.#tryTarget();
      },
      (error: unknown) => this.#finish(503, error instanceof Error ? error.message : 'the name could not be resolved'),
    );
  }

  #tryTarget(): void {
    if (this.#isFinal) return;
    const target = this.#targets?.shift();
    this.#transaction = undefined;
    if (target === undefined) {
      this.#finish(503, this.#trouble ?? 'no server could be reached');
      return;
    }
    this.#target = target;
    this.#host.wayOut.flowTo(target).then(
      (flow) => {
        if (!this.#isFinal) this.#sendOn(flow);
      },
      (error: unknown) => {
        this.#trouble = error instanceof Error ? error.message : undefined;
        this.#host.resolver.markDown(target);
        this.#host.logger.debug({ error, target }, 'a target could not be reached');
        this.#tryTarget();
      },
    );
  }

  #sendOn(flow: Flow): void {
    const request = this.#make(flow, flow);
    if (flow.transport === 'udp' && this.#host.wayOut.isTooLarge(flow, write(request).length)) this.#sendLarge(flow, request);
    else this.#send(request, flow);
  }

  /** §18.1.1: by TCP, its Via changed with it; the Contact stays what it would have been. */
  #sendLarge(flow: Flow, request: SipRequest): void {
    void this.#host.wayOut.largeFlow(flow, this.#target?.host ?? flow.remote.address).then((tcp) => {
      if (this.#isFinal) return;
      if (tcp === undefined && write(request).length > MAX_DATAGRAM) this.#tryTarget();
      else if (tcp === undefined) this.#send(request, flow);
      else this.#send(this.#make(tcp, flow), tcp);
    });
  }

  /** A copy of the request for one attempt on `flow`; where to reach us is said for `contactFlow`. */
  #make(flow: Flow, contactFlow: Flow): SipRequest {
    const { contact, prepare } = this.#options;
    const credentials = this.#credentials;
    const request = this.#base.clone();
    request.prepend('Via', this.#host.viaFor(flow));
    if (!request.has('Max-Forwards')) request.set('Max-Forwards', '70');
    if (contact === true) request.set('Contact', this.#host.contactFor(contactFlow));
    if (this.#host.product !== '' && !request.has('User-Agent')) request.set('User-Agent', this.#host.product);
    prepare?.(request, flow);
    if (credentials !== undefined && this.#challenges === 0) this.#host.digest.prime(request, credentials);
    return request;
  }

  get #credentials(): CredentialSource | undefined {
    return this.#options.credentials ?? this.#host.credentials;
  }

  #send(request: SipRequest, flow: Flow): void {
    this.#attempt = request;
    this.#flow = flow;
    this.#isHeard = false;
    if (!this.#isAbandoned) this.#options.onSent?.(request, flow);
    if (this.#isFinal) return;
    let transaction: ClientTransaction<Flow> | undefined;
    // Only the attempt under way speaks for the exchange; what an earlier one still hears is its own affair.
    transaction = this.#host.transactions.request(request, flow, {
      onResponse: (response) => {
        if (transaction === undefined || transaction === this.#transaction) this.#onResponse(response, flow);
      },
      onEnd: (reason) => {
        if (transaction === undefined || transaction === this.#transaction) this.#onEnd(reason);
      },
    });
    this.#transaction = transaction;
  }

  #onResponse(response: SipResponse, flow: Flow): void {
    this.#host.onAnswered(response, flow);
    this.#isHeard = true;
    if (response.status < 200) {
      if (response.status > 100) this.#tell(response);
      return;
    }
    if (this.#isFinal) {
      // A further 2xx, of a fork or repeated.
      this.#tell(response);
      return;
    }
    if ((response.status === 401 || response.status === 407) && this.#answerChallenge(response, flow)) return;
    if (response.status === 503 && !this.#isCancelled && this.#failOver(response)) return;
    if (this.#target !== undefined && response.status !== 503) this.#host.resolver.markUp(this.#target);
    if (response.status < 300 && this.#credentials !== undefined) this.#host.digest.learn(this.#attempt, response);
    this.#isFinal = true;
    this.#tell(response);
    // An INVITE that was accepted goes on hearing further 2xx until Timer M.
    if (!this.#isInvite || response.status >= 300) this.#release();
  }

  #onEnd(reason: EndReason): void {
    if (this.#isFinal) {
      this.#release();
      return;
    }
    if (reason === 'cancelled' || (this.#isCancelled && reason !== 'stopped')) this.#finish(487, 'cancelled, and no answer');
    else if (reason === 'stopped') this.#finish(503, 'the agent has stopped');
    else if (!this.#isHeard && this.#failOver(undefined)) return;
    else if (reason === 'timeout') this.#finish(408, 'no answer');
    else this.#finish(503, 'the connection was lost');
  }

  /** RFC 3263 §4.3. False: there is nowhere else to go. */
  #failOver(response: SipResponse | undefined): boolean {
    if (this.#target !== undefined) {
      const retryAfter = response?.retryAfter?.seconds;
      this.#host.resolver.markDown(this.#target, retryAfter === undefined ? undefined : retryAfter * 1000);
    } else if (
      this.#targets === undefined &&
      this.#options.flow !== undefined &&
      this.#options.nextHop !== undefined &&
      response === undefined
    ) {
      // The flow of the dialog led nowhere; what its next hop resolves to may.
      this.#transaction = undefined;
      this.#next();
      return true;
    }
    if (this.#targets === undefined || this.#targets.length === 0) return false;
    this.#tryTarget();
    return true;
  }

  /** §22.2, §22.3: the same request with credentials, a CSeq one higher, to the same place. False: it is for the user to see. */
  #answerChallenge(response: SipResponse, flow: Flow): boolean {
    const credentials = this.#credentials;
    if (credentials === undefined || this.#isCancelled || this.#challenges >= MAX_CHALLENGES) return false;
    const number = this.#options.nextCSeq?.() ?? (this.#attempt.cseq?.number ?? 0) + 1;
    const retry = this.#attempt.clone();
    retry.set('CSeq', `${number} ${retry.method}`);
    retry.removeFirst('Via');
    const why = this.#host.digest.answer(retry, response, credentials);
    if (why !== undefined) {
      if (why === 'other-realm') {
        const realms = [...response.wwwAuthenticate, ...response.proxyAuthenticate].map((header) => header.get('realm'));
        this.#host.logger.warn(
          { realms, to: retry.uri.host },
          'somebody asks for our password in a realm that it was never for: not answered',
        );
      } else this.#host.logger.debug({ why, status: response.status }, 'a challenge could not be answered');
      return false;
    }
    this.#challenges++;
    this.#base = retry;
    this.#transaction = undefined;
    if (flow.isOpen) this.#sendOn(flow);
    else if (this.#target !== undefined) {
      this.#targets = [this.#target, ...(this.#targets ?? [])];
      this.#tryTarget();
    } else this.#next();
    return true;
  }

  #tell(response: SipResponse): void {
    if (this.#isAbandoned) return;
    const local = response instanceof LocalResponse;
    try {
      this.#options.onResponse(response, { flow: local ? undefined : this.#flow, local, request: this.#attempt });
    } catch (error) {
      this.#host.logger.error({ error, status: response.status }, 'the handler of a response failed');
    }
  }

  #finish(status: 404 | 408 | 487 | 503, why: string): void {
    if (this.#isFinal) {
      this.#release();
      return;
    }
    this.#isFinal = true;
    this.#release();
    this.#tell(new LocalResponse(this.#attempt, status, why));
  }

  /** Not before whoever called `send` holds what it returns. */
  #finishLater(status: 487 | 503, why: string): void {
    void Promise.resolve().then(() => this.#finish(status, why));
  }

  #release(): void {
    this.#host.runners.delete(this);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** §8.1.2: the top Route, else the Request-URI. */
function nextHopOf(request: SipRequest): Uri {
  return request.routes[0]?.uri ?? request.uri;
}
