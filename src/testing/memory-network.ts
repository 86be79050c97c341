/**
 * A network made of memory: datagrams and byte streams between hosts that exist because somebody bound an address, over any Clock,
 * with delay, jitter, loss, duplication and reordering drawn from a seed. What happens once happens again on every machine.
 */
import type { Clock } from '../clock.js';
import type { ByteStream, DatagramListener, DatagramOptions, DatagramSocket, Network, SocketAddress, StreamListener } from '../network.js';
import type { Random } from '../random.js';
import { SeededRandom } from './seeded-random.js';

export interface Impairment {
  /** One way, in milliseconds. @default 0 */
  readonly delayMs?: number;
  /** Added to the delay, uniform in [0, jitterMs). Datagrams overtake each other only when `reorder` lets them. @default 0 */
  readonly jitterMs?: number;
  /** Share of datagrams lost, 0 to 1. @default 0 */
  readonly loss?: number;
  /** Mean length of a burst of losses (Gilbert–Elliott): 1 loses independently. @default 1 */
  readonly lossBurst?: number;
  /** Share of datagrams that arrive twice. @default 0 */
  readonly duplicate?: number;
  /** Share of datagrams that may be overtaken by later ones: these wait `reorderMs` longer. @default 0 */
  readonly reorder?: number;
  /** @default 20 */
  readonly reorderMs?: number;
}

export interface MemoryNetworkOptions extends Impairment {
  readonly clock: Clock;
  /** @default 1 */
  readonly seed?: number;
}

export interface MemoryNetworkStats {
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  /** To an address where nobody listens. */
  readonly unreachable: number;
}

interface Path {
  losing: boolean;
  /** The last arrival scheduled on this path, so that jitter alone never reorders. */
  lastArrival: number;
}

export class MemoryNetwork implements Network {
  /** SIP over TLS and WebSocket as it would be, without the wrapping: no handshake, no certificate. */
  readonly standsFor = ['tls', 'ws', 'wss'] as const;
  readonly #clock: Clock;
  readonly #random: Random;
  #impairment: Required<Impairment>;
  readonly #datagrams = new Map<string, MemoryDatagramSocket>();
  readonly #listeners = new Map<string, { readonly accept: (stream: ByteStream) => void }>();
  readonly #streams = new Set<MemoryStream>();
  readonly #paths = new Map<string, Path>();
  readonly #down = new Set<string>();
  #nextPort = 40_000;
  #sent = 0;
  #delivered = 0;
  #lost = 0;
  #duplicated = 0;
  #unreachable = 0;
  /** Sees every datagram as it is sent, before the network has its way with it. */
  onDatagram: ((bytes: Uint8Array, from: SocketAddress, to: SocketAddress) => void) | undefined;

  constructor(options: MemoryNetworkOptions) {
    this.#clock = options.clock;
    this.#random = new SeededRandom(options.seed ?? 1);
    this.#impairment = complete(options);
  }

  get stats(): MemoryNetworkStats {
    return {
      sent: this.#sent,
      delivered: this.#delivered,
      lost: this.#lost,
      duplicated: this.#duplicated,
      unreachable: this.#unreachable,
    };
  }

  /** Sockets, listeners and stream ends that are still open. */
  get open(): number {
    return this.#datagrams.size + this.#listeners.size + this.#streams.size;
  }

  /** From now on; what is under way arrives as it was sent. */
  impair(impairment: Impairment): void {
    this.#impairment = complete(impairment);
    this.#paths.clear();
  }

  /** Nothing goes in or out of `address` until `restore`; streams stay open and silent, as behind a pulled cable. */
  isolate(address: string): void {
    this.#down.add(address);
  }

  restore(address: string): void {
    this.#down.delete(address);
    for (const stream of this.#streams) stream.flushHeld();
  }

  async datagram(options: DatagramOptions): Promise<DatagramSocket> {
    const local = this.#reserve(options.host, options.port, (key) => this.#datagrams.has(key));
    const socket = new MemoryDatagramSocket(local, this);
    this.#datagrams.set(keyOf(local.address, local.port), socket);
    return socket;
  }

  async listen(options: { readonly host: string; readonly port: number }, accept: (stream: ByteStream) => void): Promise<StreamListener> {
    const local = this.#reserve(options.host, options.port, (key) => this.#listeners.has(key));
    const key = keyOf(local.address, local.port);
    this.#listeners.set(key, { accept });
    return { local, close: () => this.#listeners.delete(key) };
  }

  connect(options: {
    readonly host: string;
    readonly port: number;
    readonly localAddress?: string;
    readonly timeoutMs?: number;
  }): Promise<ByteStream> {
    const remote = { address: options.host, port: options.port };
    const local = { address: options.localAddress ?? '127.0.0.1', port: this.#nextPort++ };
    return new Promise((resolve, reject) => {
      if (this.isCut(local.address, remote.address)) {
        const wait = options.timeoutMs ?? 30_000;
        this.#clock.at(this.#clock.now() + wait, () => reject(new Error(`connect ETIMEDOUT ${remote.address}:${remote.port}`)));
        return;
      }
      this.#clock.at(this.#clock.now() + 2 * this.#impairment.delayMs, () => {
        const listener = this.#find(this.#listeners, remote.address, remote.port);
        if (listener === undefined) {
          reject(new Error(`connect ECONNREFUSED ${remote.address}:${remote.port}`));
          return;
        }
        const here = new MemoryStream(local, remote, this);
        const there = new MemoryStream(remote, local, this);
        here.join(there);
        this.#streams.add(here).add(there);
        listener.accept(there);
        resolve(here);
      });
    });
  }

  /** @internal */
  isCut(a: string, b: string): boolean {
    return this.#down.has(a) || this.#down.has(b);
  }

  /** @internal */
  transmit(from: SocketAddress, bytes: Uint8Array, to: SocketAddress): void {
    this.#sent++;
    this.onDatagram?.(bytes, from, to);
    const path = this.#pathOf(from.address, to.address);
    if (this.isCut(from.address, to.address) || this.#isLost(path)) {
      this.#lost++;
      return;
    }
    this.#schedule(path, from, bytes, to);
    if (this.#random.fraction() < this.#impairment.duplicate) {
      this.#duplicated++;
      this.#schedule(path, from, bytes, to);
    }
  }

  /** @internal */
  released(socket: MemoryDatagramSocket): void {
    const key = keyOf(socket.local.address, socket.local.port);
    if (this.#datagrams.get(key) === socket) this.#datagrams.delete(key);
  }

  /** @internal: bytes of a stream arrive in order, after the delay. */
  later(task: () => void): void {
    this.#clock.at(this.#clock.now() + this.#impairment.delayMs, task);
  }

  /** @internal */
  forgotten(stream: MemoryStream): void {
    this.#streams.delete(stream);
  }

  #schedule(path: Path, from: SocketAddress, bytes: Uint8Array, to: SocketAddress): void {
    const { delayMs, jitterMs, reorder, reorderMs } = this.#impairment;
    let arrival = this.#clock.now() + delayMs + jitterMs * this.#random.fraction();
    if (reorder > 0 && this.#random.fraction() < reorder) {
      arrival += reorderMs;
    } else {
      arrival = Math.max(arrival, path.lastArrival);
      path.lastArrival = arrival;
    }
    const copy = Uint8Array.from(bytes);
    this.#clock.at(arrival, () => {
      const socket = this.#find(this.#datagrams, to.address, to.port);
      if (socket === undefined) {
        this.#unreachable++;
        return;
      }
      this.#delivered++;
      socket.onMessage?.(copy, from.address, from.port);
    });
  }

  /** Gilbert–Elliott: `loss` is the share lost in the long run, `lossBurst` the mean run of losses. */
  #isLost(path: Path): boolean {
    const { loss, lossBurst } = this.#impairment;
    if (loss <= 0) return false;
    if (loss >= 1) return true;
    const leaveBad = 1 / Math.max(1, lossBurst);
    const enterBad = Math.min(1, (loss * leaveBad) / (1 - loss));
    if (lossBurst <= 1) return this.#random.fraction() < loss;
    path.losing = this.#random.fraction() < (path.losing ? 1 - leaveBad : enterBad);
    return path.losing;
  }

  #pathOf(from: string, to: string): Path {
    const key = `${from} ${to}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = { losing: false, lastArrival: 0 };
      this.#paths.set(key, path);
    }
    return path;
  }

  #reserve(host: string, port: number, taken: (key: string) => boolean): SocketAddress {
    if (port !== 0) {
      if (taken(keyOf(host, port))) throw Object.assign(new Error(`bind EADDRINUSE ${host}:${port}`), { code: 'EADDRINUSE' });
      return { address: host, port };
    }
    while (taken(keyOf(host, this.#nextPort))) this.#nextPort++;
    return { address: host, port: this.#nextPort++ };
  }

  /** A socket bound to the unspecified address hears for every host. */
  #find<T>(table: ReadonlyMap<string, T>, address: string, port: number): T | undefined {
    return table.get(keyOf(address, port)) ?? table.get(keyOf(address.includes(':') ? '::' : '0.0.0.0', port));
  }
}

class MemoryDatagramSocket implements DatagramSocket {
  readonly local: SocketAddress;
  readonly #network: MemoryNetwork;
  onMessage: DatagramListener | undefined;
  onError: ((error: Error) => void) | undefined;
  #open = true;

  constructor(local: SocketAddress, network: MemoryNetwork) {
    this.local = local;
    this.#network = network;
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    if (this.#open) this.#network.transmit(this.#from(address), bytes.subarray(offset, offset + length), { address, port });
  }

  close(): void {
    this.#open = false;
    this.onMessage = undefined;
    this.#network.released(this);
  }

  /** Bound to the unspecified address, the system picks a source; here that is the loopback host. */
  #from(towards: string): SocketAddress {
    if (this.local.address === '0.0.0.0') return { address: '127.0.0.1', port: this.local.port };
    if (this.local.address === '::') return { address: towards.includes(':') ? '::1' : '127.0.0.1', port: this.local.port };
    return this.local;
  }
}

class MemoryStream implements ByteStream {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly #network: MemoryNetwork;
  #peer: MemoryStream | undefined;
  #isOpen = true;
  #held: Uint8Array[] = [];
  #early: Uint8Array[] = [];
  #onBytes: ((bytes: Uint8Array) => void) | undefined;
  onClose: ((error: Error | undefined) => void) | undefined;

  constructor(local: SocketAddress, remote: SocketAddress, network: MemoryNetwork) {
    this.local = local;
    this.remote = remote;
    this.#network = network;
  }

  get onBytes(): ((bytes: Uint8Array) => void) | undefined {
    return this.#onBytes;
  }

  /** What arrived before anybody listened is not lost: a real socket is paused until then. */
  set onBytes(listener: ((bytes: Uint8Array) => void) | undefined) {
    this.#onBytes = listener;
    if (listener === undefined) return;
    for (const bytes of this.#early.splice(0)) listener(bytes);
  }

  get queuedBytes(): number {
    return this.#held.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  join(peer: MemoryStream): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#isOpen) return false;
    this.#held.push(Uint8Array.from(bytes));
    this.flushHeld();
    return this.#held.length === 0;
  }

  flushHeld(): void {
    if (this.#network.isCut(this.local.address, this.remote.address)) return;
    const peer = this.#peer;
    for (const bytes of this.#held.splice(0)) this.#network.later(() => peer?.arrived(bytes));
  }

  arrived(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    if (this.#onBytes === undefined) this.#early.push(bytes);
    else this.#onBytes(bytes);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.flushHeld();
    this.#hangUp();
  }

  destroy(): void {
    this.#held = [];
    this.#hangUp();
  }

  #hangUp(): void {
    if (!this.#isOpen) return;
    const peer = this.#peer;
    this.#network.later(() => peer?.closed());
    this.closed();
  }

  closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#network.forgotten(this);
    this.onClose?.(undefined);
  }
}

function keyOf(address: string, port: number): string {
  return `${address} ${port}`;
}

function complete(impairment: Impairment): Required<Impairment> {
  return {
    delayMs: impairment.delayMs ?? 0,
    jitterMs: impairment.jitterMs ?? 0,
    loss: impairment.loss ?? 0,
    lossBurst: impairment.lossBurst ?? 1,
    duplicate: impairment.duplicate ?? 0,
    reorder: impairment.reorder ?? 0,
    reorderMs: impairment.reorderMs ?? 20,
  };
}
