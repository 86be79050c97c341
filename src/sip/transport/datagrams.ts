/** The datagram side of the layer: SIP sockets, a flow for every remote heard or spoken to, and STUN beside SIP (RFC 3261 §18, RFC 5626 §8). */
import { SipBotError } from '../../errors.js';
import type { DatagramSocket, Network, SocketAddress } from '../../network.js';
import type { BindingRequests } from './binding-requests.js';
import { DatagramFlow, type Flow, type FlowDriver } from './flow.js';
import { canReach, isIP, isWildcard, plainAddress } from './ip.js';
import type { LocalAddresses } from './local-addresses.js';
import { isStun, parseStun, writeBindingResponse } from './stun.js';
import type { ListenAddress, Target, TransportLimits } from './transport.js';

export interface DatagramSink {
  onBytes(bytes: Uint8Array, flow: Flow): void;
  onSent(bytes: Uint8Array, flow: Flow): void;
  /** Something came that is no message. */
  onAlive(flow: Flow): void;
  onSendFailure(flow: Flow, error: Error): void;
  /** Asked before a datagram is looked at. */
  isShut(address: string): boolean;
  /** An answer was larger than its question warrants. */
  onWithheld(): void;
}

interface DatagramContext {
  readonly network: Network;
  readonly limits: TransportLimits;
  readonly locals: LocalAddresses;
  readonly bindings: BindingRequests;
  readonly sink: DatagramSink;
}

export class Datagrams {
  readonly #context: DatagramContext;
  readonly #ports: DatagramPort[] = [];
  /** Ephemeral sockets under way, one a family. */
  readonly #opening = new Map<4 | 6, Promise<DatagramPort>>();
  #opened = 0;

  constructor(context: DatagramContext) {
    this.#context = context;
  }

  get addresses(): ListenAddress[] {
    return this.#ports.filter((port) => port.isListening).map((port) => port.address);
  }

  async listen(host: string, port: number): Promise<ListenAddress> {
    return (await this.#open(host, port, 'listening')).address;
  }

  /** `why`: a request is ours to send to whom we like; a response may only go where one is due. */
  async flowTo(target: Target, from: ListenAddress | undefined, why: 'request' | 'response' = 'request'): Promise<DatagramFlow> {
    const family = isIP(target.address) === 6 ? 6 : 4;
    const fits = ({ address }: DatagramPort): boolean =>
      from === undefined ? canReach(address.host, target.address) : address.host === from.host && address.port === from.port;
    const port = this.#ports.find(fits) ?? (await this.#ephemeral(family));
    const bound = port.address.host;
    const { locals } = this.#context;
    if (!locals.isFresh(bound, target.address)) await locals.learn(bound, target.address);
    const flow = port.flow(target.address, target.port, 'out');
    if (why === 'request') flow.vouch();
    // A machine that moved to another network has other addresses since.
    const address = locals.towards(bound, target.address);
    if (flow.local.address !== address) flow.local = { address, port: flow.local.port };
    return flow;
  }

  /** Asks the far end of a flow, by STUN, at what address it sees us. */
  ask(flow: DatagramFlow, giveUpMs?: number): Promise<SocketAddress | undefined> {
    return this.#context.bindings.ask(flow.remote, (bytes) => flow.send(bytes), giveUpMs);
  }

  /** The machine may have moved to another network: what this flow's remote sees of us now. */
  async renew(flow: DatagramFlow): Promise<void> {
    const bound = this.#ports.find((port) => port.has(flow))?.address.host;
    if (bound === undefined) return;
    const address = await this.#context.locals.learn(bound, flow.remote.address);
    if (flow.local.address !== address) flow.local = { address, port: flow.local.port };
  }

  /** A flow that failed is no longer found; the next message makes a new one. */
  forget(flow: DatagramFlow): void {
    flow.isOpen = false;
    for (const port of this.#ports) port.forget(flow);
  }

  close(): void {
    for (const port of this.#ports.splice(0)) port.close();
  }

  #ephemeral(family: 4 | 6): Promise<DatagramPort> {
    let opening = this.#opening.get(family);
    if (opening === undefined) {
      opening = this.#open(family === 6 ? '::' : '0.0.0.0', 0, 'sending')
        .catch((error: Error) => {
          throw new SipBotError('ERR_TRANSPORT', `no IPv${family} socket can be had: ${error.message}`, { cause: error });
        })
        .finally(() => this.#opening.delete(family));
      this.#opening.set(family, opening);
    }
    return opening;
  }

  async #open(host: string, port: number, use: 'listening' | 'sending'): Promise<DatagramPort> {
    const { network, limits, locals } = this.#context;
    const socket = await network.datagram({ host, port, receiveBufferBytes: limits.receiveBufferBytes });
    await locals.prime(socket.local.address);
    const opened = new DatagramPort(`udp${this.#opened++}`, socket, use === 'listening', this.#context);
    this.#ports.push(opened);
    return opened;
  }
}

class DatagramPort implements FlowDriver {
  readonly address: ListenAddress;
  readonly isListening: boolean;
  readonly #name: string;
  readonly #socket: DatagramSocket;
  readonly #context: DatagramContext;
  /** Oldest first; past the limit the oldest is forgotten, and made anew when it is heard again. */
  readonly #flows = new Map<string, DatagramFlow>();
  #isOpen = true;

  constructor(name: string, socket: DatagramSocket, isListening: boolean, context: DatagramContext) {
    this.#name = name;
    this.#socket = socket;
    this.#context = context;
    this.isListening = isListening;
    this.address = { transport: 'udp', host: socket.local.address, port: socket.local.port };
    socket.onMessage = (bytes, address, port) => this.#onMessage(bytes, address, port);
    socket.onError = (error) => this.#onError(error);
  }

  flow(address: string, port: number, direction: 'in' | 'out'): DatagramFlow {
    const key = `${address} ${port}`;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      const bound = this.address.host;
      const { locals, limits } = this.#context;
      const local = { address: locals.towards(bound, address), port: this.address.port };
      flow = new DatagramFlow(`${this.#name} ${key}`, direction, local, { address, port }, this);
      this.#flows.set(key, flow);
      if (this.#flows.size > limits.maxDatagramFlows) this.#flows.delete(this.#flows.keys().next().value!);
    }
    return flow;
  }

  send(flow: Flow, bytes: Uint8Array): void {
    if (!this.#isOpen) {
      queueMicrotask(() => this.#context.sink.onSendFailure(flow, new Error('the socket is closed')));
      return;
    }
    if (!(flow as DatagramFlow).credit.spend(bytes.length)) {
      this.#context.sink.onWithheld();
      return;
    }
    this.#context.sink.onSent(bytes, flow);
    this.#socket.send(bytes, 0, bytes.length, flow.remote.port, flow.remote.address);
  }

  has(flow: DatagramFlow): boolean {
    return this.#flows.get(`${flow.remote.address} ${flow.remote.port}`) === flow;
  }

  forget(flow: DatagramFlow): void {
    if (this.has(flow)) this.#flows.delete(`${flow.remote.address} ${flow.remote.port}`);
  }

  close(): void {
    this.#isOpen = false;
    for (const flow of this.#flows.values()) flow.isOpen = false;
    this.#flows.clear();
    this.#socket.close();
  }

  #onMessage(bytes: Uint8Array, address: string, port: number): void {
    const remote = plainAddress(address);
    if (this.#context.sink.isShut(remote)) return;
    if (isStun(bytes)) {
      this.#onStun(bytes, remote, port);
      return;
    }
    const flow = this.flow(remote, port, 'in');
    flow.credit.onHeard(bytes.length, this.#context.limits.answerFactor);
    if (isWildcard(flow.local.address)) void this.#learnLocal(flow);
    if (isBlank(bytes)) this.#context.sink.onAlive(flow);
    else this.#context.sink.onBytes(bytes, flow);
  }

  async #learnLocal(flow: DatagramFlow): Promise<void> {
    const address = await this.#context.locals.learn(this.address.host, flow.remote.address);
    flow.local = { address, port: this.address.port };
  }

  #onStun(bytes: Uint8Array, address: string, port: number): void {
    const message = parseStun(bytes);
    if (message === undefined) return;
    if (message.type === 'request') {
      const answer = writeBindingResponse(message, { address, port });
      this.#socket.send(answer, 0, answer.length, port, address);
    } else this.#context.bindings.onMessage(message, { address, port });
  }

  /** Node says which destination a send failed for; an error of the socket itself concerns nobody in particular. */
  #onError(error: Error & { readonly address?: string; readonly port?: number }): void {
    if (error.address === undefined || error.port === undefined) return;
    const flow = this.#flows.get(`${error.address} ${error.port}`);
    if (flow !== undefined) this.#context.sink.onSendFailure(flow, error);
  }
}

/** Keep-alives of many kinds: empty, CRLFs, NULs, the four bytes of some phones. None of them can be a message. */
function isBlank(bytes: Uint8Array): boolean {
  if (bytes.length > 16) return false;
  return bytes.length < 8 || bytes.every((byte) => byte === 0 || byte === 13 || byte === 10 || byte === 32);
}
