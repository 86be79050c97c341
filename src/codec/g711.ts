// G.711 µ-law and A-law, one table look-up a sample (ITU-T G.711, RFC 3551 §4.5.14). The tables are built from `alawmulaw` at load.
import * as alawmulaw from 'alawmulaw';
import type { Decoder, Encoder } from './codec.js';

export type CompandingLaw = 'pcmu' | 'pcma';

// The package is CommonJS to Node, where its names stand under `default`, and ESM to bundlers, where they do not.
const laws: typeof alawmulaw = 'default' in alawmulaw ? (alawmulaw.default as typeof alawmulaw) : alawmulaw;

/** Linear value of each of the 256 codes. */
const linear: Readonly<Record<CompandingLaw, Int16Array>> = {
  pcmu: Int16Array.from({ length: 256 }, (_, code) => laws.mulaw.decodeSample(code)),
  pcma: Int16Array.from({ length: 256 }, (_, code) => laws.alaw.decodeSample(code)),
};

/** Code of each of the 65536 samples, at `sample & 0xffff`. */
const codes: Readonly<Record<CompandingLaw, Uint8Array>> = {
  pcmu: codesOf(laws.mulaw.encodeSample),
  pcma: codesOf(laws.alaw.encodeSample),
};

/** Neither law has steps finer than four, and both say the sign with the highest bit: an eighth of the samples tells of all, and a start is short. */
function codesOf(encode: (sample: number) => number): Uint8Array {
  const table = new Uint8Array(65536);
  for (let from = 0; from <= 32768; from += 4) {
    const code = encode(Math.min(from, 32767));
    for (let magnitude = from; magnitude < from + 4; magnitude++) {
      if (magnitude < 32768) table[magnitude] = code;
      if (magnitude > 0 && magnitude <= 32768) table[65536 - magnitude] = code ^ 0x80;
    }
  }
  return table;
}

export class G711Encoder implements Encoder {
  readonly sampleRate = 8000;
  readonly clockRate = 8000;
  readonly #codes: Uint8Array;

  constructor(law: CompandingLaw) {
    this.#codes = codes[law];
  }

  encode(samples: Int16Array, count: number, out: Uint8Array, offset: number): number {
    const table = this.#codes;
    for (let i = 0; i < count; i++) out[offset + i] = table[samples[i]! & 0xffff]!;
    return count;
  }

  reset(): void {}

  close(): void {}
}

export class G711Decoder implements Decoder {
  readonly sampleRate = 8000;
  readonly clockRate = 8000;
  readonly #linear: Int16Array;

  constructor(law: CompandingLaw) {
    this.#linear = linear[law];
  }

  samplesIn(_payload: Uint8Array, _offset: number, length: number): number {
    return length;
  }

  decode(payload: Uint8Array, offset: number, length: number, out: Int16Array, at: number): number {
    const table = this.#linear;
    const count = Math.max(0, Math.min(length, out.length - at, payload.length - offset));
    for (let i = 0; i < count; i++) out[at + i] = table[payload[offset + i]!]!;
    return count;
  }

  reset(): void {}

  close(): void {}
}
