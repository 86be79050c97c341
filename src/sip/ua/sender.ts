/** All that leaves the agent: requests as exchanges, the ACK of a 2xx (RFC 3261 §13.2.2.4), and what both say about where we are (§8.1.1.7, §8.1.1.8). */
import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import type { Random } from '../../random.js';
import type { CredentialSource } from '../auth/digest-client.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { write } from '../message/write.js';
import { newBranch } from '../transaction/key.js';
import type { TransactionLayer } from '../transaction/layer.js';
import type { Flow } from '../transport/flow.js';
import type { TargetResolver } from '../transport/resolve.js';
import type { TransportLayer } from '../transport/transport-layer.js';
import type { ClientExchange, SendOptions, Way } from './agent-core.js';
import { type ChallengeAnswerer, RequestRunner, type RunnerHost } from './request-runner.js';
import { type LargeRequestOptions, WayOut } from './way-out.js';

export interface SenderOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly product: string;
  readonly transports: TransportLayer;
  readonly transactions: TransactionLayer<Flow>;
  readonly resolver: TargetResolver;
  readonly digest: ChallengeAnswerer;
  readonly credentials: CredentialSource | undefined;
  readonly largeRequests: LargeRequestOptions;
  /** User part of our Contact: unguessable, so that who knows it has been told. */
  readonly contactUser: string;
  /** Parameters of the Contact header, as written: `;+sip.instance="<urn:uuid:…>"`. */
  readonly contactParams: string;
  /** Whether what responses say of our address is taken to heart. */
  readonly learnsAddress: boolean;
}

interface SentAck {
  readonly flow: Flow;
  readonly bytes: Uint8Array;
}

export class Sender implements RunnerHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly product: string;
  readonly transactions: TransactionLayer<Flow>;
  readonly resolver: TargetResolver;
  readonly digest: ChallengeAnswerer;
  readonly credentials: CredentialSource | undefined;
  readonly wayOut: WayOut;
  readonly runners = new Set<RequestRunner>();
  readonly #transports: TransportLayer;
  readonly #contactUser: string;
  readonly #contactParams: string;
  readonly #learnsAddress: boolean;
  /** Our Contact towards each flow, for as long as our address there is the same; not kept where it may change with an answer. */
  readonly #contacts = new WeakMap<Flow, { readonly local: Flow['local']; readonly contact: string }>();
  /** What an ACK became on the wire: each repeated 2xx asks for it again. */
  readonly #acks = new WeakMap<SipRequest, SentAck>();

  constructor(options: SenderOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.logger = options.logger;
    this.product = options.product;
    this.transactions = options.transactions;
    this.resolver = options.resolver;
    this.digest = options.digest;
    this.credentials = options.credentials;
    this.wayOut = new WayOut(options.transports, options.clock, options.largeRequests);
    this.#transports = options.transports;
    this.#contactUser = options.contactUser;
    this.#contactParams = options.contactParams;
    this.#learnsAddress = options.learnsAddress;
  }

  send(options: SendOptions): ClientExchange {
    const runner = new RequestRunner(this, options);
    runner.start();
    return runner;
  }

  /** Never throws: an ACK that cannot be sent is one that was lost, and the 2xx will come again. */
  sendAck(ack: SipRequest, way: Way): void {
    const sent = this.#acks.get(ack);
    if (sent?.flow.isOpen) sent.flow.send(sent.bytes);
    else if (way.flow?.isOpen) this.#sendAckOn(ack, way.flow);
    else this.#resolveAck(ack, way);
  }

  #resolveAck(ack: SipRequest, way: Way): void {
    this.resolver
      .resolve(way.nextHop)
      .then((targets) => this.#firstFlow(targets))
      .then(
        (flow) => this.#sendAckOn(ack, flow),
        (error: unknown) => this.logger.warn({ error, nextHop: `${way.nextHop}` }, 'an ACK could not be sent'),
      );
  }

  async #firstFlow(targets: Awaited<ReturnType<TargetResolver['resolve']>>): Promise<Flow> {
    let failure: unknown = new Error('the name leads nowhere');
    for (const target of targets) {
      try {
        return await this.wayOut.flowTo(target);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #sendAckOn(ack: SipRequest, flow: Flow): void {
    const copy = ack.clone();
    copy.prepend('Via', this.viaFor(flow));
    if (!copy.has('Max-Forwards')) copy.set('Max-Forwards', '70');
    const bytes = write(copy);
    this.#acks.set(ack, { flow, bytes });
    flow.send(bytes);
  }

  /** §8.1.1.7, RFC 3581: rport always, since a NAT may be anywhere. */
  viaFor(flow: Flow): string {
    const { host, port, alias } = this.#transports.sentBy(flow);
    const sentBy = port === undefined ? host : `${host}:${port}`;
    return `SIP/2.0/${flow.transport.toUpperCase()} ${sentBy};branch=${newBranch(this.random.token())};rport${alias ? ';alias' : ''}`;
  }

  contactFor(flow: Flow): string {
    const known = this.#learnsAddress ? undefined : this.#contacts.get(flow);
    if (known?.local === flow.local) return known.contact;
    const contact = this.#makeContact(flow);
    this.#contacts.set(flow, { local: flow.local, contact });
    return contact;
  }

  #makeContact(flow: Flow): string {
    const { host, port } = this.#transports.sentBy(flow);
    const transport = flow.transport === 'udp' ? '' : `;transport=${flow.transport === 'wss' ? 'ws' : flow.transport}`;
    const scheme = flow.transport === 'wss' ? 'sips' : 'sip';
    return `<${scheme}:${this.#contactUser}@${host}${port === undefined ? '' : `:${port}`}${transport}>${this.#contactParams}`;
  }

  onAnswered(response: SipResponse, flow: Flow): void {
    if (!this.#learnsAddress) return;
    const via = response.via;
    if (via?.received !== undefined && typeof via.rport === 'number')
      this.#transports.learnPublicAddress(flow, { address: via.received, port: via.rport });
  }

  /** Every request under way is told that it is over. */
  stop(): void {
    for (const runner of [...this.runners]) runner.stop();
  }
}
