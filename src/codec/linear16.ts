// L16: samples as they are, big endian, any rate, one or two channels (RFC 3551 §4.5.11). Two channels are mixed to one on the way in.
import type { Decoder, Encoder } from './codec.js';

export class Linear16Encoder implements Encoder {
  readonly sampleRate: number;
  readonly clockRate: number;
  readonly #channels: number;

  constructor(sampleRate: number, channels: number) {
    this.sampleRate = sampleRate;
    this.clockRate = sampleRate;
    this.#channels = channels;
  }

  encode(samples: Int16Array, count: number, out: Uint8Array, offset: number): number {
    let to = offset;
    for (let i = 0; i < count; i++) {
      const sample = samples[i]!;
      for (let channel = 0; channel < this.#channels; channel++) {
        out[to++] = sample >> 8;
        out[to++] = sample;
      }
    }
    return to - offset;
  }

  reset(): void {}

  close(): void {}
}

export class Linear16Decoder implements Decoder {
  readonly sampleRate: number;
  readonly clockRate: number;
  readonly #channels: number;

  constructor(sampleRate: number, channels: number) {
    this.sampleRate = sampleRate;
    this.clockRate = sampleRate;
    this.#channels = channels;
  }

  samplesIn(_payload: Uint8Array, _offset: number, length: number): number {
    return Math.floor(length / (2 * this.#channels));
  }

  decode(payload: Uint8Array, offset: number, length: number, out: Int16Array, at: number): number {
    const stride = 2 * this.#channels;
    const count = Math.max(0, Math.min(Math.floor(Math.min(length, payload.length - offset) / stride), out.length - at));
    for (let i = 0, from = offset; i < count; i++, from += stride) {
      const left = ((payload[from]! << 24) >> 16) | payload[from + 1]!;
      out[at + i] = stride === 2 ? left : (left + (((payload[from + 2]! << 24) >> 16) | payload[from + 3]!)) >> 1;
    }
    return count;
  }

  reset(): void {}

  close(): void {}
}
