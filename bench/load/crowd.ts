/** N calls at once, each of which says a packet every 20 ms and listens: placed, held, judged, hung up. */
import { createSocket, type Socket } from 'node:dgram';
import { type Media, newKeys, offer, remoteOf, sealOf } from './description.js';
import { CLEAR_BYTES, FarEnd, type Heard, PTIME_MS } from './far-end.js';
import { Histogram, type Tail } from './histogram.js';
import { pace, sleep } from './pace.js';
import { noLookup, type PlacedCall, type SipCaller } from './sip-caller.js';

export interface Placed {
  readonly up: number;
  readonly failed: number;
  readonly resent: number;
  readonly setup: Tail;
}

export interface Listened {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly gaps: number;
  /** Arrivals against the line that the timestamps of their call draw. */
  readonly late: Tail;
  readonly roundTrip: Tail;
  /** The other's clock against ours: the median of the calls, and the one farthest off. */
  readonly ppm: { readonly median: number; readonly worst: number };
  /** How late we sent ourselves. */
  readonly ownLate: Tail;
}

const SOCKETS = 16;
const FIRST_SSRC = 0x1000_0000;
const HANG_UPS_PER_SECOND = 500;

export class Crowd {
  readonly #caller: SipCaller;
  readonly #host: string;
  readonly #sockets: readonly Socket[];
  readonly #calls: PlacedCall[] = [];
  readonly #ends: FarEnd[] = [];
  readonly #byPort = new Map<number, FarEnd>();
  /** Where one port answers for many, as with SIPp: told apart by the SSRC, which comes back as it was. */
  readonly #sharedPorts = new Set<number>();
  readonly #ownLate = new Histogram();
  #heard: Heard | undefined;
  #sent = 0;
  #isTalking = false;

  private constructor(caller: SipCaller, host: string, sockets: readonly Socket[]) {
    this.#caller = caller;
    this.#host = host;
    this.#sockets = sockets;
    for (const socket of sockets) socket.on('message', (bytes, { port }) => this.#onPacket(bytes, port));
  }

  static async open(caller: SipCaller, host: string): Promise<Crowd> {
    const sockets = Array.from({ length: SOCKETS }, () => createSocket({ type: 'udp4', lookup: noLookup, recvBufferSize: 4 << 20 }));
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.bind(0, host, resolve))));
    return new Crowd(caller, host, sockets);
  }

  async place(calls: number, perSecond: number, media: Media): Promise<Placed> {
    let failed = 0;
    let open = calls;
    await pace(calls, perSecond, this.#ownLate, (i) => {
      const socket = this.#sockets[i % SOCKETS]!;
      const keys = newKeys(media);
      const call = this.#caller.call(offer(this.#host, socket.address().port, keys), (answer) => {
        open--;
        if (answer === undefined) {
          failed++;
          return;
        }
        this.#calls.push(call);
        const remote = remoteOf(answer);
        const end = new FarEnd(socket, remote, FIRST_SSRC + this.#ends.length, sealOf(keys, answer));
        this.#ends.push(end);
        if (this.#byPort.has(remote.port)) this.#sharedPorts.add(remote.port);
        this.#byPort.set(remote.port, end);
      });
    });
    while (open > 0) await sleep(20);
    this.#talk();
    return { up: this.#calls.length, failed, resent: this.#caller.resent, setup: this.#caller.setup.tail() };
  }

  /** From here on it counts, until `report`. */
  hold(): void {
    const now = performance.now();
    for (const end of this.#ends) end.hold(now);
    this.#ownLate.clear();
    this.#sent = 0;
    this.#heard = { late: new Histogram(), roundTrips: new Histogram(), received: 0, lost: 0, gaps: 0 };
  }

  report(): Listened {
    const { late, roundTrips, received, lost, gaps } = this.#heard!;
    this.#heard = undefined;
    const ppms = this.#ends.map(({ ppm }) => ppm).filter((ppm) => !Number.isNaN(ppm));
    const sorted = ppms.sort((a, b) => a - b);
    const worst = sorted.reduce((worst, ppm) => (Math.abs(ppm) > Math.abs(worst) ? ppm : worst), 0);
    const ppm = { median: sorted[sorted.length >> 1] ?? Number.NaN, worst: sorted.length === 0 ? Number.NaN : worst };
    return { sent: this.#sent, received, lost, gaps, late: late.tail(), roundTrip: roundTrips.tail(), ppm, ownLate: this.#ownLate.tail() };
  }

  /** How many went without a clean goodbye. */
  async leave(): Promise<number> {
    this.#isTalking = false;
    const calls = this.#calls.splice(0);
    let left = calls.length;
    let unclean = 0;
    await pace(calls.length, HANG_UPS_PER_SECOND, this.#ownLate, (i) =>
      this.#caller.hangUp(calls[i]!, (isClean) => {
        left--;
        if (!isClean) unclean++;
      }),
    );
    while (left > 0) await sleep(20);
    this.#ends.splice(0);
    this.#byPort.clear();
    this.#sharedPorts.clear();
    this.#caller.setup.clear();
    return unclean;
  }

  /** Call i of n is due i/n of the way through each 20 ms. */
  #talk(): void {
    this.#isTalking = true;
    const ends = [...this.#ends];
    const start = performance.now() + 10;
    let turn = 0;
    const tick = (): void => {
      if (!this.#isTalking) return;
      for (; ends.length > 0; turn++) {
        const due = start + (turn / ends.length) * PTIME_MS;
        if (due > performance.now()) break;
        ends[turn % ends.length]!.send();
        if (this.#heard === undefined) continue;
        this.#sent++;
        this.#ownLate.add(performance.now() - due);
      }
      setTimeout(tick, 1);
    };
    tick();
  }

  #onPacket(bytes: Buffer, port: number): void {
    // RTCP on the same port, comfort noise.
    if (bytes.length < CLEAR_BYTES || (bytes[1]! & 0x7f) !== 0) return;
    const end = this.#sharedPorts.has(port) ? this.#ends[bytes.readUInt32BE(8) - FIRST_SSRC] : this.#byPort.get(port);
    end?.read(bytes, performance.now(), this.#heard);
  }
}
