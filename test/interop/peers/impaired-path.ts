/**
 * A bad path to a peer, in user space: all SIP and RTP of a call pass through it with loss, delay and jitter (which reorders), from a seed.
 * They are led through it by what descriptions and Contacts say.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

export interface PathOptions {
  readonly host: string;
  readonly to: { readonly host: string; readonly port: number };
  readonly delayMs: number;
  /** Each way, up to so much more or less. */
  readonly jitterMs: number;
  /** Share of what is lost, each way: SIP and RTP alike. */
  readonly loss: number;
  readonly seed: number;
  /** The first message to match each of these is lost, whatever chance says. */
  readonly loses?: readonly RegExp[];
}

export interface Carried {
  readonly passed: number;
  readonly lost: number;
}

export interface ImpairedPath {
  /** Where SIP goes in. */
  readonly port: number;
  readonly signalling: { readonly out: Carried; readonly back: Carried };
  readonly media: { readonly out: Carried; readonly back: Carried };
  /** By how much a packet went later than it should have, at most, since this was last asked: then the path was worse than it says. */
  latestMs(): number;
  close(): void;
}

interface End {
  readonly host: string;
  readonly port: number;
}

/** One way of one kind: what it loses does not depend on how the others' packets fall between its own. */
class Way {
  readonly #options: PathOptions;
  readonly #socket: Socket;
  readonly #random: SeededRandom;
  readonly #timers = new Set<NodeJS.Timeout>();
  passed = 0;
  lost = 0;
  latestMs = 0;

  constructor(options: PathOptions, socket: Socket, which: number) {
    this.#options = options;
    this.#socket = socket;
    this.#random = new SeededRandom(options.seed * 4 + which);
  }

  carry(bytes: Uint8Array, to: End, isLost = false): void {
    const { loss, delayMs, jitterMs } = this.#options;
    const [isUnlucky, spread] = [this.#random.fraction() < loss, this.#random.fraction()];
    if (isLost || isUnlucky) {
      this.lost++;
      return;
    }
    this.passed++;
    const due = performance.now() + Math.max(0, delayMs + (2 * spread - 1) * jitterMs);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.latestMs = Math.max(this.latestMs, performance.now() - due);
      this.#socket.send(bytes, to.port, to.host);
    }, due - performance.now());
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket.close();
  }
}

async function open(host: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  return socket;
}

export async function openImpairedPath(options: PathOptions): Promise<ImpairedPath> {
  const { host, to } = options;
  const [front, back, mediaFront, mediaBack] = (await Promise.all([open(host), open(host), open(host), open(host)])) as [
    Socket,
    Socket,
    Socket,
    Socket,
  ];
  const ways = [back, front, mediaBack, mediaFront].map((socket, which) => new Way(options, socket, which)) as [Way, Way, Way, Way];
  const [sipOut, sipBack, mediaOut, mediaIn] = ways;
  const lostOnce = new Set(options.loses);
  const isFirst = (bytes: Uint8Array): boolean => {
    const text = Buffer.from(bytes).toString('latin1');
    return [...lostOnce].some((pattern) => pattern.test(text) && lostOnce.delete(pattern));
  };
  let caller: End | undefined;
  let callerMedia: End | undefined;
  let calleeMedia: End | undefined;
  front.on('message', (bytes, { address, port }) => {
    caller = { host: address, port };
    const led = lead(bytes, { host, port: back.address().port }, mediaBack.address().port);
    callerMedia = led.media ?? callerMedia;
    sipOut.carry(led.bytes, to, isFirst(bytes));
  });
  back.on('message', (bytes) => {
    const led = lead(bytes, { host, port: front.address().port }, mediaFront.address().port);
    calleeMedia = led.media ?? calleeMedia;
    if (caller !== undefined) sipBack.carry(led.bytes, caller, isFirst(bytes));
  });
  mediaFront.on('message', (bytes) => calleeMedia && mediaOut.carry(bytes, calleeMedia));
  mediaBack.on('message', (bytes) => callerMedia && mediaIn.carry(bytes, callerMedia));
  return {
    port: front.address().port,
    signalling: { out: sipOut, back: sipBack },
    media: { out: mediaOut, back: mediaIn },
    latestMs: () => {
      const latest = Math.max(...ways.map(({ latestMs }) => latestMs));
      for (const way of ways) way.latestMs = 0;
      return latest;
    },
    close: () => {
      for (const way of ways) way.close();
    },
  };
}

/** Where a description says that media goes, and the message as it must be for all that follows it to come here instead. */
function lead(bytes: Buffer, sip: End, mediaPort: number): { readonly bytes: Uint8Array; readonly media: End | undefined } {
  const text = bytes.toString('latin1').replace(/^(Contact: *(?:"[^"]*" *)?<sip:(?:[^@>]*@)?)[^;>]+/im, `$1${sip.host}:${sip.port}`);
  const [head, sdp] = text.split('\r\n\r\n') as [string, string | undefined];
  const said = { host: /^c=IN IP4 (\S+)/m.exec(sdp ?? '')?.[1], port: /^m=audio (\d+)/m.exec(sdp ?? '')?.[1] };
  if (sdp === undefined || said.host === undefined || said.port === undefined)
    return { bytes: Buffer.from(text, 'latin1'), media: undefined };
  const body = sdp.replace(/^c=IN IP4 \S+/gm, `c=IN IP4 ${sip.host}`).replace(/^m=audio \d+/gm, `m=audio ${mediaPort}`);
  const whole = `${head.replace(/^Content-Length:.*$/im, `Content-Length: ${body.length}`)}\r\n\r\n${body}`;
  return { bytes: Buffer.from(whole, 'latin1'), media: { host: said.host, port: Number(said.port) } };
}
