/**
 * Calls out over one UDP socket, as plainly as they can be placed: INVITE, ACK and BYE from templates and a table of who waits for what, so that the
 * caller costs little beside whom it calls. What stays unanswered for T1 is sent again, and counted.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { SipResponse } from '../../src/sip/message/message.js';
import { parse } from '../../src/sip/message/parse.js';
import { isParseFailure } from '../../src/sip/message/parse-failure.js';
import { responseTo } from '../../src/sip/message/response-to.js';
import { write } from '../../src/sip/message/write.js';
import { Histogram } from './histogram.js';

const T1_MS = 500;
const GIVE_UP_MS = 10_000;
const WATCH_MS = 100;

export interface Callee {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Who calls. */
  readonly from: string;
}

export interface PlacedCall {
  readonly id: string;
  readonly startedAt: number;
  readonly onUp: (description: string | undefined) => void;
  onLeft: (isClean: boolean) => void;
  state: 'inviting' | 'ringing' | 'up' | 'leaving';
  /** Of the dialog, once it is there. */
  target: string;
  to: string;
  ack: string | undefined;
  /** What is repeated until it is answered. */
  request: string;
  sendAgainAt: number;
  giveUpAt: number;
}

/** An address is not looked up. */
export const noLookup = ((name: string, _options: unknown, then: (error: null, address: string, family: number) => void) =>
  then(null, name, 4)) as never;

export class SipCaller {
  readonly setup = new Histogram();
  /** Messages that came or went a second time. */
  resent = 0;
  readonly #socket: Socket;
  readonly #callee: Callee;
  readonly #uri: string;
  readonly #local: string;
  readonly #calls = new Map<string, PlacedCall>();
  #count = 0;

  private constructor(socket: Socket, callee: Callee) {
    this.#socket = socket;
    this.#callee = callee;
    this.#uri = `sip:${callee.user}@${callee.host}:${callee.port}`;
    const { address, port } = socket.address();
    this.#local = `${address}:${port}`;
    socket.on('message', (bytes, remote) => this.#onMessage(bytes, remote.port, remote.address));
    setInterval(() => this.#watch(performance.now()), WATCH_MS).unref();
  }

  static async open(callee: Callee, host: string): Promise<SipCaller> {
    const socket = createSocket({ type: 'udp4', lookup: noLookup, recvBufferSize: 4 << 20 });
    await new Promise<void>((resolve) => socket.bind(0, host, resolve));
    return new SipCaller(socket, callee);
  }

  /** `onUp` gets the description of the answer, or undefined when there is none. */
  call(description: string, onUp: PlacedCall['onUp']): PlacedCall {
    const id = `bench-${process.pid}-${this.#count++}`;
    const now = performance.now();
    const to = `<${this.#uri}>`;
    const content = ['Content-Type: application/sdp', `Content-Length: ${description.length}`, '', description];
    const request = this.#write(id, to, ['INVITE', this.#uri, 1, 'i'], [`Contact: <sip:${this.#callee.from}@${this.#local}>`, ...content]);
    const times = { startedAt: now, sendAgainAt: now + T1_MS, giveUpAt: now + GIVE_UP_MS };
    const call: PlacedCall = { id, onUp, onLeft: () => {}, state: 'inviting', target: this.#uri, to, ack: undefined, request, ...times };
    this.#calls.set(id, call);
    this.#send(request);
    return call;
  }

  hangUp(call: PlacedCall, onLeft: PlacedCall['onLeft']): void {
    const now = performance.now();
    call.request = this.#write(call.id, call.to, ['BYE', call.target, 2, 'b'], ['Content-Length: 0', '', '']);
    Object.assign(call, { onLeft, state: 'leaving', sendAgainAt: now + T1_MS, giveUpAt: now + GIVE_UP_MS });
    this.#send(call.request);
  }

  #write(id: string, to: string, [method, uri, number, branch]: [string, string, number, string], rest: readonly string[]): string {
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.#local};branch=z9hG4bK${id}${branch};rport`,
      'Max-Forwards: 70',
      `From: <sip:${this.#callee.from}@${this.#local}>;tag=${id}`,
      `To: ${to}`,
      `Call-ID: ${id}`,
      `CSeq: ${number} ${method}`,
      ...rest,
    ].join('\r\n');
  }

  #send(text: string): void {
    this.#socket.send(Buffer.from(text, 'latin1'), this.#callee.port, this.#callee.host);
  }

  #onMessage(bytes: Buffer, port: number, address: string): void {
    const message = parse(bytes);
    if (isParseFailure(message)) return;
    if (message.kind === 'request') {
      // A BYE, a re-INVITE, an OPTIONS: nothing here needs more than a yes.
      if (message.method !== 'ACK') this.#socket.send(write(responseTo(message, 200)), port, address);
      return;
    }
    const call = this.#calls.get(message.callId ?? '');
    if (call === undefined) return;
    if (message.cseq?.method === 'INVITE') this.#onAnswer(call, message);
    else if (message.status >= 200 && call.state === 'leaving') this.#end(call, message.status < 300);
  }

  #onAnswer(call: PlacedCall, response: SipResponse): void {
    if (response.status < 200) {
      if (call.state === 'inviting') call.state = 'ringing';
      return;
    }
    if (call.ack !== undefined) {
      this.resent++;
      this.#send(call.ack);
      return;
    }
    call.to = String(response.to);
    if (response.status >= 300) {
      // §17.1.1.3: a refusal is acknowledged within the INVITE's own transaction.
      this.#send(this.#write(call.id, call.to, ['ACK', this.#uri, 1, 'i'], ['Content-Length: 0', '', '']));
      this.#end(call, false);
      return;
    }
    call.target = response.contact?.uriText ?? this.#uri;
    call.ack = this.#write(call.id, call.to, ['ACK', call.target, 1, 'a'], ['Content-Length: 0', '', '']);
    call.state = 'up';
    this.#send(call.ack);
    this.setup.add(performance.now() - call.startedAt);
    call.onUp(Buffer.from(response.body).toString('latin1'));
  }

  #end(call: PlacedCall, isClean: boolean): void {
    this.#calls.delete(call.id);
    if (call.state === 'leaving') call.onLeft(isClean);
    else call.onUp(undefined);
  }

  #watch(now: number): void {
    for (const call of this.#calls.values()) {
      if (call.state === 'up') continue;
      if (now > call.giveUpAt) this.#end(call, false);
      else if (call.state !== 'ringing' && now > call.sendAgainAt) {
        call.sendAgainAt += 2 * (call.sendAgainAt - call.giveUpAt + GIVE_UP_MS);
        this.resent++;
        this.#send(call.request);
      }
    }
  }
}
