/** Everything that was on the wire for one call, to be looked at afterwards: as text, as a picture, or as a capture that Wireshark opens. */
import { parse } from '../sip/message/parse.js';
import { isParseFailure } from '../sip/message/parse-failure.js';
import type { Endpoint } from './ip-packet.js';
import { Ladder, type LadderOptions, type TracedMessage } from './ladder.js';
import { type Datagram, writePcap } from './pcap.js';

/** An RTP or RTCP packet as it was on the wire, encrypted where it was. */
export type TracedPacket = TracedMessage;

export interface CallTraceOptions {
  /** SIP messages kept; past it the latest are left out. @default 1000 */
  readonly maxMessages?: number;
  /** RTP and RTCP kept, in bytes; past it the latest are left out. 24 MB are ten minutes of G.711 both ways. @default 24000000 */
  readonly maxMediaBytes?: number;
}

export class CallTrace {
  readonly callId: string;
  readonly #messages: TracedMessage[] = [];
  readonly #packets: TracedPacket[] = [];
  readonly #maxMessages: number;
  readonly #maxMediaBytes: number;
  #mediaBytes = 0;
  #leftOut = 0;

  constructor(callId: string, { maxMessages = 1000, maxMediaBytes = 24_000_000 }: CallTraceOptions = {}) {
    this.callId = callId;
    this.#maxMessages = maxMessages;
    this.#maxMediaBytes = maxMediaBytes;
  }

  get messages(): readonly TracedMessage[] {
    return this.#messages;
  }

  get packets(): readonly TracedPacket[] {
    return this.#packets;
  }

  /** Messages and packets past what may be kept. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** False: a message of another call, or one too many. */
  add(message: TracedMessage): boolean {
    if (callIdOf(message.bytes) !== this.callId) return false;
    if (this.#messages.length >= this.#maxMessages) {
      this.#leftOut++;
      return false;
    }
    this.#messages.push(message);
    return true;
  }

  addMedia(packet: TracedPacket): void {
    this.#mediaBytes += packet.bytes.length;
    if (this.#mediaBytes > this.#maxMediaBytes) this.#leftOut++;
    else this.#packets.push(packet);
  }

  toText(options: Omit<LadderOptions, 'callId'> = {}): string {
    return this.#ladder(options).toText();
  }

  toSvg(options: Omit<LadderOptions, 'callId'> = {}): string {
    return this.#ladder(options).toSvg();
  }

  /** SIP and, where it was captured, RTP: one pcap file. Messages that went over TCP or TLS stand there as datagrams. */
  toPcap(): Uint8Array {
    const own = this.#ownAddress();
    return writePcap([...this.#messages, ...this.#packets].map((traced) => datagramOf(traced, own)));
  }

  #ladder(options: LadderOptions): Ladder {
    const ladder = new Ladder(options);
    for (const message of this.#messages) ladder.add(message);
    return ladder;
  }

  /** A socket bound to every address does not say which one its packets left from; our own descriptions do, and readers look for RTP there. */
  #ownAddress(): string | undefined {
    for (const { direction, bytes } of this.#messages) {
      if (direction === 'in') continue;
      const found = /^c=IN IP[46] ([0-9a-f.:]{2,45})/im.exec(
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'),
      );
      if (found !== null) return found[1];
    }
    return undefined;
  }
}

/** Of a message as it was on the wire; undefined where it cannot be read. */
export function callIdOf(bytes: Uint8Array): string | undefined {
  const message = parse(bytes);
  return isParseFailure(message) ? undefined : message.callId;
}

function datagramOf({ direction, bytes, local, remote, wall }: TracedMessage, own: string | undefined): Datagram {
  const here: Endpoint = isWildcard(local.address) ? { address: own ?? local.address, port: local.port } : local;
  return direction === 'out' ? { from: here, to: remote, bytes, wall } : { from: remote, to: here, bytes, wall };
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
