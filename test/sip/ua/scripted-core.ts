/** An agent made of lists: what usages send is written down, what comes is written by the test. No transactions, no transports, a clock turned by hand. */
import { silentLogger } from '../../../src/log.js';
import type { Random } from '../../../src/random.js';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { SipRequest, type SipResponse } from '../../../src/sip/message/message.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { resolveTimers } from '../../../src/sip/transaction/timers.js';
import type { Flow } from '../../../src/sip/transport/flow.js';
import type { AgentCore, ClientExchange, ReplyOptions, SendOptions, ServerExchange, Way } from '../../../src/sip/ua/agent-core.js';
import { DialogTable } from '../../../src/sip/ua/dialog-table.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';

/** Counts instead of choosing. */
export class CountingRandom implements Random {
  #count = 0;
  uint32(): number {
    return 4 * ++this.#count;
  }
  token(): string {
    return `t${++this.#count}`;
  }
  bytes(length: number): Uint8Array {
    return new Uint8Array(length).fill(++this.#count);
  }
  fraction(): number {
    return 0.5;
  }
}

export const peerFlow: Flow = {
  id: 'flow',
  transport: 'udp',
  reliable: false,
  secure: false,
  direction: 'in',
  local: { address: '192.0.2.1', port: 5060 },
  remote: { address: '192.0.2.9', port: 5060 },
  isOpen: true,
  send: () => {},
  close: () => {},
  vouch: () => {},
};

export interface ResponseParts {
  /** To tag; 'b' by default, null for none. */
  readonly tag?: string | null;
  readonly headers?: readonly HeaderEntry[];
  readonly sdp?: string;
  readonly local?: boolean;
  readonly contact?: string;
}

/** One request that a usage sent. */
export class Sent {
  readonly request: SipRequest;
  readonly options: SendOptions;
  isCancelled = false;
  cancelHeaders: readonly HeaderEntry[] = [];
  readonly #core: ScriptedCore;
  #isOver = false;

  constructor(core: ScriptedCore, options: SendOptions, request: SipRequest) {
    this.#core = core;
    this.options = options;
    this.request = request;
  }

  /** The far end answers. */
  answer(status: number, parts: ResponseParts = {}): SipResponse {
    const { tag = 'b', headers = [], sdp, local = false, contact = '<sip:bob@192.0.2.9>' } = parts;
    const makesDialog = status > 100 && status < 300 && !local;
    const response = responseTo(this.request, status, {
      ...(tag !== null && { toTag: tag }),
      headers: [...(makesDialog ? [['Contact', contact] as const] : []), ...headers],
      ...(sdp !== undefined && { body: sdp, contentType: 'application/sdp' }),
    });
    this.#core.log(
      `< ${status}${tag === 'b' || tag === null ? '' : ` ${tag}`}${local ? ' (local)' : ''}${sdp === undefined ? '' : ` [${sdp}]`}`,
    );
    // As the agent has it: one final response, unless it is a 2xx to an INVITE, which may come again and from others.
    if (this.#isOver) return response;
    this.#isOver = status >= 300 || (status >= 200 && this.request.method !== 'INVITE');
    this.options.onResponse(response, { flow: local ? undefined : peerFlow, local, request: this.request });
    return response;
  }
}

/** One request that came, and what was answered. */
export class Received implements ServerExchange {
  readonly request: SipRequest;
  readonly flow = peerFlow;
  readonly toTag: string;
  readonly responses: SipResponse[] = [];
  onCancel: ((cancel: SipRequest) => void) | undefined;
  onFailure: ((why: 'timeout' | 'transport') => void) | undefined;
  readonly #core: ScriptedCore;

  constructor(core: ScriptedCore, request: SipRequest, toTag: string) {
    this.#core = core;
    this.request = request;
    this.toTag = toTag;
  }

  get last(): SipResponse | undefined {
    return this.responses.at(-1);
  }

  respond(response: SipResponse): void {
    this.responses.push(response);
    this.#core.log(`> ${response.status} to ${this.request.method}${response.body.length > 0 ? ` [${response.bodyText}]` : ''}`);
  }

  reply(status: number, options: ReplyOptions = {}): void {
    this.respond(responseTo(this.request, status, { ...options, toTag: this.toTag }));
  }

  cancel(headers: readonly HeaderEntry[] = []): void {
    this.#core.log('< CANCEL');
    const { request } = this;
    const copied = ['From', 'To', 'Call-ID'].map((name): HeaderEntry => [name, request.header(name)!]);
    this.onCancel?.(new SipRequest('CANCEL', request.uri, [...copied, ['CSeq', `${request.cseq!.number} CANCEL`], ...headers]));
  }
}

export class ScriptedCore implements AgentCore {
  readonly clock = new ManualClock();
  readonly random: Random = new CountingRandom();
  readonly logger = silentLogger;
  readonly timers = resolveTimers();
  readonly dialogs = new DialogTable();
  supported: readonly string[] = ['100rel', 'timer', 'replaces', 'norefersub'];
  readonly allow = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY', 'MESSAGE'];
  readonly product = 'test';
  readonly sent: Sent[] = [];
  readonly acks: { readonly ack: SipRequest; readonly way: Way }[] = [];
  readonly lines: string[] = [];
  #received = 0;

  log(line: string): void {
    this.lines.push(`${this.clock.now()} ${line}`);
  }

  /** The transcript since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  send(options: SendOptions): ClientExchange {
    const request = options.request.clone();
    request.prepend('Via', `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${this.sent.length}`);
    if (options.contact) request.set('Contact', this.contactFor(peerFlow));
    const sent = new Sent(this, options, request);
    this.sent.push(sent);
    this.log(`> ${request.method} ${request.cseq!.number}${request.body.length > 0 ? ` [${request.bodyText}]` : ''}`);
    options.onSent?.(request, peerFlow);
    return {
      cancel: (headers = []) => {
        if (sent.isCancelled) return;
        sent.isCancelled = true;
        sent.cancelHeaders = headers;
        this.log('> CANCEL');
      },
      abandon: () => {},
    };
  }

  sendAck(ack: SipRequest, way: Way): void {
    this.acks.push({ ack, way });
    this.log(`> ACK ${ack.cseq!.number}${ack.body.length > 0 ? ` [${ack.bodyText}]` : ''}`);
  }

  contactFor(_flow: Flow): string {
    return '<sip:alice@192.0.2.1:5060>';
  }

  /** The last request sent of a method. */
  last(method: string): Sent {
    const found = this.sent.findLast((sent) => sent.request.method === method);
    if (found === undefined) throw new Error(`no ${method} was sent`);
    return found;
  }

  /** A request comes from Bob (tag b) to the dialog with our tag, or opens one. */
  receive(method: string, options: RequestParts = {}): Received {
    const { callId = 'call', fromTag = 'b', toTag, cseq = 1, headers = [], sdp, contact = '<sip:bob@192.0.2.9>' } = options;
    const request = new SipRequest(method, 'sip:alice@192.0.2.1', [
      ['Via', `SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKr${++this.#received}`],
      ['Max-Forwards', '70'],
      ['From', `<sip:bob@example.org>;tag=${fromTag}`],
      ['To', `<sip:alice@example.com>${toTag === undefined ? '' : `;tag=${toTag}`}`],
      ['Call-ID', callId],
      ['CSeq', `${cseq} ${method}`],
      ['Contact', contact],
      ...headers,
    ]);
    if (sdp !== undefined) request.setBody('application/sdp', sdp);
    const received = new Received(this, request, toTag ?? 'a');
    this.log(`< ${method} ${cseq}${sdp === undefined ? '' : ` [${sdp}]`}`);
    return received;
  }

  /** A request within a dialog: dispatched, and 481 when there is none. */
  within(method: string, options: RequestParts & { readonly toTag: string }): Received {
    const received = this.receive(method, options);
    if (method === 'ACK') {
      if (!this.dialogs.onAck(received.request, peerFlow)) this.log('stray ACK');
    } else if (!this.dialogs.onRequest(received)) received.reply(481);
    return received;
  }
}

export interface RequestParts {
  readonly callId?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly cseq?: number;
  readonly headers?: readonly HeaderEntry[];
  readonly sdp?: string;
  readonly contact?: string;
}

export const sdp = (text: string) => ({ contentType: 'application/sdp', bytes: new TextEncoder().encode(text) });
