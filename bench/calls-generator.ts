/** The far ends of bench/calls.ts: sends every call a packet each 20 ms, spread over the time, and listens to what comes back. */
import { createSocket, type Socket } from 'node:dgram';
import { SrtpContext } from '../src/rtp/srtp/context.js';
import { type CryptoSuite, cryptoKeysFrom } from '../src/rtp/srtp/crypto-line.js';

export interface GeneratorStart {
  readonly ports: readonly number[];
  readonly keys: readonly Uint8Array[];
  readonly warmupMs: number;
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

export interface GeneratorReport {
  readonly sent: number;
  readonly received: number;
  /** Sequence numbers that never came. */
  readonly lost: number;
  /** Arrival against the ideal line of each stream. */
  readonly late: Quantiles;
  /** The target`s clock against ours, mean over the calls. */
  readonly ppm: number;
  readonly roundTripMs: { readonly p50: number; readonly p99: number };
  readonly ownLateP99: number;
}

const HOST = '127.0.0.1';
const SUITE: CryptoSuite = 'AES_CM_128_HMAC_SHA1_80';
const PTIME_MS = 20;
/** Packets between two bursts of sound by which the round trip is measured. */
const BURST_EVERY = 50;
const QUIET = 0xff;
const LOUD = 0x10;

const protectedPacket = Buffer.alloc(200);

interface Call {
  readonly port: number;
  readonly socket: Socket;
  /** Clear; what is sent is a copy when it must be protected. */
  readonly packet: Buffer;
  readonly protect: SrtpContext | undefined;
  readonly unprotect: SrtpContext | undefined;
  sequence: number;
  timestamp: number;
  burstSentAt: number;
  // What is heard.
  base: number;
  firstTimestamp: number;
  lastSequence: number;
  received: number;
  lost: number;
  earliest: number;
  wasLoud: boolean;
  /** Lowest lateness in the first and in the last fifth of the hold. */
  lowEarly: number;
  lowLate: number;
}

class Histogram {
  readonly #counts = new Float64Array(20_000);
  #total = 0;

  add(ms: number): void {
    const bucket = Math.max(0, Math.min(this.#counts.length - 1, Math.floor(ms * 20)));
    this.#counts[bucket]!++;
    this.#total++;
  }

  at(q: number): number {
    let left = Math.ceil(this.#total * q);
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0 && this.#total > 0) return (bucket + 1) / 20;
    }
    return Number.NaN;
  }
}

const sockets: Socket[] = [];
let calls: Call[] = [];
let byPort = new Map<number, Call>();
let late = new Histogram();
let roundTrips = new Histogram();
let ownLate = new Histogram();
let sent = 0;
let holding = false;
let holdStart = 0;
let started = 0;
let turn = 0;

const lookup = (host: string, _options: unknown, callback: (error: null, address: string, family: number) => void): void =>
  callback(null, host, 4);

async function openSockets(count: number): Promise<number[]> {
  for (let i = 0; i < count; i++) {
    const socket = createSocket({ type: 'udp4', lookup: lookup as never, recvBufferSize: 4 << 20 });
    await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
    socket.on('message', onPacket);
    sockets.push(socket);
  }
  return sockets.map((socket) => socket.address().port);
}

function start({ ports, keys }: GeneratorStart): void {
  const contextOf = (index: number): SrtpContext | undefined =>
    keys[index] === undefined ? undefined : new SrtpContext(cryptoKeysFrom(SUITE, keys[index]));
  calls = ports.map((port, index) => ({
    port,
    socket: sockets[index % sockets.length]!,
    packet: Buffer.alloc(172, QUIET),
    protect: contextOf(index),
    unprotect: contextOf(index),
    sequence: 0,
    timestamp: 0,
    burstSentAt: 0,
    base: Number.NaN,
    firstTimestamp: 0,
    lastSequence: -1,
    received: 0,
    lost: 0,
    earliest: Number.POSITIVE_INFINITY,
    wasLoud: false,
    lowEarly: Number.POSITIVE_INFINITY,
    lowLate: Number.POSITIVE_INFINITY,
  }));
  byPort = new Map(calls.map((call) => [call.port, call]));
  calls.forEach((call, index) => {
    call.packet[0] = 0x80;
    call.packet[1] = 0;
    call.packet.writeUInt32BE(0x1000_0000 + index, 8);
  });
  started = performance.now() + 10;
  turn = 0;
  setTimeout(tick, 5);
}

/** Call i of n is due i/n of the way through each 20 ms. */
function tick(): void {
  const now = performance.now();
  const n = calls.length;
  for (; ; turn++) {
    const due = started + (turn / n) * PTIME_MS;
    if (due > now) break;
    const call = calls[turn % n]!;
    sendTo(call, due);
  }
  setTimeout(tick, 1);
}

function sendTo(call: Call, due: number): void {
  const { packet } = call;
  packet.writeUInt16BE(call.sequence & 0xffff, 2);
  packet.writeUInt32BE(call.timestamp >>> 0, 4);
  const isLoud = call.sequence % BURST_EVERY === 25;
  if (isLoud) {
    packet.fill(LOUD, 12);
    call.burstSentAt = performance.now();
  } else if (call.sequence % BURST_EVERY === 26) packet.fill(QUIET, 12);
  if (call.protect === undefined) call.socket.send(packet, call.port, HOST);
  else {
    packet.copy(protectedPacket);
    const length = call.protect.protectRtp(protectedPacket, packet.length);
    call.socket.send(protectedPacket, 0, length, call.port, HOST);
  }
  call.sequence++;
  call.timestamp += 160;
  if (holding) {
    sent++;
    if ((call.sequence & 7) === 0) ownLate.add(performance.now() - due);
  }
}

function onPacket(bytes: Buffer, remote: { readonly port: number }): void {
  if (bytes.length < 172 || (bytes[1]! & 0x7f) !== 0) return; // RTCP on the same port
  const call = byPort.get(remote.port);
  if (call === undefined) return;
  if (call.unprotect !== undefined && call.unprotect.unprotectRtp(bytes, bytes.length) !== 172) return;
  const now = performance.now();
  const timestamp = bytes.readUInt32BE(4);
  const sequence = bytes.readUInt16BE(2);
  if (Number.isNaN(call.base)) {
    call.base = now;
    call.firstTimestamp = timestamp;
  }
  if (call.lastSequence >= 0 && holding) call.lost += ((sequence - call.lastSequence) & 0xffff) - 1;
  call.lastSequence = sequence;
  const offset = now - call.base - ((timestamp - call.firstTimestamp) >>> 0) / 8;
  if (offset < call.earliest) call.earliest = offset;
  if (holding) {
    call.received++;
    late.add(offset - call.earliest);
    const elapsed = now - holdStart;
    if (elapsed < 4000 && offset < call.lowEarly) call.lowEarly = offset;
    // The low of the last four seconds is kept by starting it anew every two.
    if (offset < call.lowLate) call.lowLate = offset;
  }
  let onset = -1;
  for (let at = 12; at < 172 && onset < 0; at += 4) if (isLoudByte(bytes[at]!)) onset = at - 12;
  if (onset >= 0 && !call.wasLoud && call.burstSentAt > 0 && holding) roundTrips.add(now - call.burstSentAt + onset / 8);
  call.wasLoud = onset >= 0;
}

/** µ-law: the smaller the seven low bits, the louder. */
function isLoudByte(byte: number): boolean {
  return (byte & 0x7f) < 0x30;
}

function begin(): void {
  late = new Histogram();
  roundTrips = new Histogram();
  ownLate = new Histogram();
  sent = 0;
  holdStart = performance.now();
  holding = true;
  const fresh = setInterval(() => {
    if (!holding) {
      clearInterval(fresh);
      return;
    }
    for (const call of calls) call.lowLate = Number.POSITIVE_INFINITY;
  }, 4000);
}

function end(): GeneratorReport {
  holding = false;
  const spanMs = performance.now() - holdStart - 4000;
  const drifts = calls
    .filter((call) => Number.isFinite(call.lowEarly) && Number.isFinite(call.lowLate))
    .map((call) => (1e6 * (call.lowLate - call.lowEarly)) / spanMs);
  return {
    sent,
    received: calls.reduce((total, call) => total + call.received, 0),
    lost: calls.reduce((total, call) => total + call.lost, 0),
    late: { p50: late.at(0.5), p99: late.at(0.99), p999: late.at(0.999) },
    ppm: drifts.reduce((total, ppm) => total + ppm, 0) / Math.max(1, drifts.length),
    roundTripMs: { p50: roundTrips.at(0.5), p99: roundTrips.at(0.99) },
    ownLateP99: ownLate.at(0.99),
  };
}

const reply = (message: object | string): void => void process.send!(message);

process.on('message', (message: 'begin' | 'end' | GeneratorStart | { readonly sockets: number }) => {
  if (message === 'begin') {
    begin();
    reply('begun');
  } else if (message === 'end') reply(end());
  else if ('sockets' in message) void openSockets(message.sockets).then((ports) => reply({ ports }));
  else {
    start(message);
    setTimeout(() => reply('warm'), message.warmupMs);
  }
});

reply('up');
