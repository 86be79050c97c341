/**
 * A bad path to a peer, in user space: SIP and RTP pass through it with loss, delay and jitter (which reorders), from a seed. The media of a
 * call is led through it by its descriptions; requests within the call go past it, as they may.
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
}

export interface ImpairedPath {
  /** Where SIP goes in. */
  readonly port: number;
  readonly passed: number;
  readonly lost: number;
  close(): void;
}

interface End {
  readonly host: string;
  readonly port: number;
}

async function open(host: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  return socket;
}

export async function openImpairedPath(options: PathOptions): Promise<ImpairedPath> {
  const { host, to, delayMs, jitterMs, loss } = options;
  const random = new SeededRandom(options.seed);
  const [front, back, mediaFront, mediaBack] = (await Promise.all([open(host), open(host), open(host), open(host)])) as [
    Socket,
    Socket,
    Socket,
    Socket,
  ];
  const timers = new Set<NodeJS.Timeout>();
  let caller: End | undefined;
  let callerMedia: End | undefined;
  let calleeMedia: End | undefined;
  let passed = 0;
  let lost = 0;
  const carry = (socket: Socket, bytes: Uint8Array, end: End): void => {
    if (random.fraction() < loss) {
      lost++;
      return;
    }
    passed++;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        socket.send(bytes, end.port, end.host);
      },
      Math.max(0, delayMs + (2 * random.fraction() - 1) * jitterMs),
    );
    timers.add(timer);
  };
  front.on('message', (bytes, { address, port }) => {
    caller = { host: address, port };
    const led = leadMedia(bytes, host, mediaBack.address().port);
    callerMedia = led.media ?? callerMedia;
    carry(back, led.bytes, to);
  });
  back.on('message', (bytes) => {
    const led = leadMedia(bytes, host, mediaFront.address().port);
    calleeMedia = led.media ?? calleeMedia;
    if (caller !== undefined) carry(front, led.bytes, caller);
  });
  mediaFront.on('message', (bytes) => calleeMedia && carry(mediaBack, Buffer.from(bytes), calleeMedia));
  mediaBack.on('message', (bytes) => callerMedia && carry(mediaFront, Buffer.from(bytes), callerMedia));
  return {
    port: front.address().port,
    get passed() {
      return passed;
    },
    get lost() {
      return lost;
    },
    close: () => {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of [front, back, mediaFront, mediaBack]) socket.close();
    },
  };
}

/** Where a description says that media goes, and the message as it must be for the media to come here instead. */
function leadMedia(bytes: Buffer, host: string, port: number): { readonly bytes: Uint8Array; readonly media: End | undefined } {
  const text = bytes.toString('latin1');
  const [head, sdp] = text.split('\r\n\r\n') as [string, string | undefined];
  const said = { host: /^c=IN IP4 (\S+)/m.exec(sdp ?? '')?.[1], port: /^m=audio (\d+)/m.exec(sdp ?? '')?.[1] };
  if (sdp === undefined || said.host === undefined || said.port === undefined) return { bytes, media: undefined };
  const body = sdp.replace(/^c=IN IP4 \S+/gm, `c=IN IP4 ${host}`).replace(/^m=audio \d+/gm, `m=audio ${port}`);
  const whole = `${head.replace(/^Content-Length:.*$/im, `Content-Length: ${body.length}`)}\r\n\r\n${body}`;
  return { bytes: Buffer.from(whole, 'latin1'), media: { host: said.host, port: Number(said.port) } };
}
