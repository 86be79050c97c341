/** What a network took apart, put together again: IP fragments (RFC 791 §3.2, RFC 8200 §4.5) and the bytes of a TCP direction in order. Bounded in every way. */
import type { IpPacket, Segment } from './ip-packet.js';

const MOST_PACKETS = 256;
const MOST_BYTES = 65_535;
const MOST_PIECES = 64;

interface Pieces {
  readonly parts: Map<number, Uint8Array>;
  /** Known once the last piece is there. */
  length: number | undefined;
  held: number;
}

export class Fragments {
  readonly #pending = new Map<string, Pieces>();

  /** The whole packet when this was its last missing piece; a packet that was never taken apart as it is. */
  add(packet: IpPacket): IpPacket | undefined {
    const { fragment, payload, source, destination, protocol } = packet;
    if (fragment === undefined) return packet;
    const key = `${source} ${destination} ${protocol} ${fragment.id}`;
    const pieces = this.#pending.get(key) ?? { parts: new Map(), length: undefined, held: 0 };
    if (fragment.offset + payload.length > MOST_BYTES || pieces.parts.size >= MOST_PIECES) {
      this.#pending.delete(key);
      return undefined;
    }
    if (!pieces.parts.has(fragment.offset)) {
      pieces.parts.set(fragment.offset, payload);
      pieces.held += payload.length;
    }
    if (!fragment.more) pieces.length = fragment.offset + payload.length;
    this.#pending.set(key, pieces);
    if (pieces.length !== undefined && pieces.held >= pieces.length) {
      this.#pending.delete(key);
      const whole = joined(pieces);
      return whole === undefined ? undefined : { ...packet, payload: whole, fragment: undefined };
    }
    if (this.#pending.size > MOST_PACKETS) this.#pending.delete(this.#pending.keys().next().value!);
    return undefined;
  }
}

function joined({ parts, length = 0 }: Pieces): Uint8Array | undefined {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const [offset, bytes] of [...parts].sort(([a], [b]) => a - b)) {
    if (offset !== at || at + bytes.length > length) return undefined;
    whole.set(bytes, at);
    at += bytes.length;
  }
  return at === length ? whole : undefined;
}

/** One direction of a TCP connection. */
export class StreamOrder {
  #next: number | undefined;
  readonly #early = new Map<number, Uint8Array>();

  /** The bytes that this segment makes readable, in order; `isBroken`: some before them are missing for good. */
  add({ sequence, isFirst, payload }: Segment): { readonly isBroken: boolean; readonly chunks: readonly Uint8Array[] } {
    if (isFirst) {
      this.#early.clear();
      this.#next = (sequence + 1) >>> 0;
      return { isBroken: false, chunks: [] };
    }
    if (payload.length === 0) return { isBroken: false, chunks: [] };
    this.#next ??= sequence;
    const ahead = (sequence - this.#next) | 0;
    if (ahead > 0) {
      this.#early.set(sequence, payload);
      if (this.#early.size <= MOST_PIECES) return { isBroken: false, chunks: [] };
      // What is missing was never captured: on with the earliest that there is.
      const next = this.#next;
      this.#next = [...this.#early.keys()].sort((a, b) => ((a - next) | 0) - ((b - next) | 0))[0]!;
      return { isBroken: true, chunks: this.#drain() };
    }
    if (-ahead >= payload.length) return { isBroken: false, chunks: [] };
    const fresh = payload.subarray(-ahead);
    this.#next = (this.#next + fresh.length) >>> 0;
    return { isBroken: false, chunks: [fresh, ...this.#drain()] };
  }

  #drain(): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    for (let bytes = this.#early.get(this.#next!); bytes !== undefined; bytes = this.#early.get(this.#next!)) {
      this.#early.delete(this.#next!);
      chunks.push(bytes);
      this.#next = (this.#next! + bytes.length) >>> 0;
    }
    return chunks;
  }
}
