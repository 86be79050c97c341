/** AudioSocket on the wire (docs.asterisk.org, Channel Drivers: AudioSocket): a byte of kind, two of length, the payload. No I/O. */

export const hangupKind = 0x00;
export const uuidKind = 0x01;
export const dtmfKind = 0x03;
export const errorKind = 0xff;

/** 16-bit PCM, low byte first; the kind says the rate, from 0x10 on. Those after the first are of Asterisk 20.17, 22.7 and 23.1. */
const RATES: readonly number[] = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];
const AUDIO = 0x10;

export interface AudioSocketFrame {
  readonly kind: number;
  /** Lives only until the listener returns. */
  readonly payload: Uint8Array;
}

export function audioKindOf(sampleRate: number): number | undefined {
  const at = RATES.indexOf(sampleRate);
  return at < 0 ? undefined : AUDIO + at;
}

/** Of a kind of audio; undefined: it is none. */
export function rateOfKind(kind: number): number | undefined {
  return RATES[kind - AUDIO];
}

/** At most 65535 bytes of payload. */
export function writeFrame(kind: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(3 + payload.length);
  bytes[0] = kind;
  bytes[1] = payload.length >> 8;
  bytes[2] = payload.length;
  bytes.set(payload, 3);
  return bytes;
}

/** Undefined: not a UUID as people write them. */
export function uuidBytes(uuid: string): Uint8Array | undefined {
  const hex = uuid.replaceAll('-', '');
  return /^[0-9a-f]{32}$/i.test(hex) ? Buffer.from(hex, 'hex') : undefined;
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Frames of a byte stream in any split. A length is two bytes, so what is kept is bounded by 64 KiB. */
export class FrameSplitter {
  readonly #onFrame: (frame: AudioSocketFrame) => void;
  readonly #rest = new Uint8Array(3 + 0xffff);
  #filled = 0;

  constructor(onFrame: (frame: AudioSocketFrame) => void) {
    this.#onFrame = onFrame;
  }

  take(bytes: Uint8Array): void {
    const rest = this.#rest;
    for (let at = 0; at < bytes.length; ) {
      const wanted = this.#filled < 3 ? 3 : 3 + ((rest[1]! << 8) | rest[2]!);
      const fits = Math.min(wanted - this.#filled, bytes.length - at);
      rest.set(bytes.subarray(at, at + fits), this.#filled);
      this.#filled += fits;
      at += fits;
      const length = this.#filled < 3 ? Number.POSITIVE_INFINITY : 3 + ((rest[1]! << 8) | rest[2]!);
      if (this.#filled < length) continue;
      this.#filled = 0;
      this.#onFrame({ kind: rest[0]!, payload: rest.subarray(3, length) });
    }
  }
}
