// Power spectrum of a short stretch of samples: a radix-2 transform in place, its tables made once for each size.

export class Spectrum {
  readonly size: number;
  /** Of bin 0 to size / 2. */
  readonly power: Float64Array;
  readonly #window: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #cosine: Float64Array;
  readonly #sine: Float64Array;
  readonly #reversed: Uint16Array;

  /** `window` weighs the samples; its length, at most `size` (a power of two), is how many there are. */
  constructor(size: number, window: Float64Array) {
    this.size = size;
    this.power = new Float64Array(size / 2 + 1);
    this.#window = window;
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#cosine = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sine = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
    this.#reversed = new Uint16Array(size);
    for (let i = 1; i < size; i++) this.#reversed[i] = (this.#reversed[i >> 1]! >> 1) | (i & 1 ? size >> 1 : 0);
  }

  of(samples: Float64Array): Float64Array {
    const re = this.#re;
    const im = this.#im;
    const window = this.#window;
    im.fill(0);
    for (let i = 0; i < this.size; i++) re[this.#reversed[i]!] = i < window.length ? samples[i]! * window[i]! : 0;
    for (let half = 1; half < this.size; half *= 2) this.#combine(half);
    for (let k = 0; k < this.power.length; k++) this.power[k] = re[k]! * re[k]! + im[k]! * im[k]!;
    return this.power;
  }

  #combine(half: number): void {
    const re = this.#re;
    const im = this.#im;
    const stride = this.size / (2 * half);
    for (let start = 0; start < this.size; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const c = this.#cosine[k * stride]!;
        const s = this.#sine[k * stride]!;
        const a = start + k;
        const b = a + half;
        const br = re[b]! * c - im[b]! * s;
        const bi = re[b]! * s + im[b]! * c;
        re[b] = re[a]! - br;
        im[b] = im[a]! - bi;
        re[a] = re[a]! + br;
        im[a] = im[a]! + bi;
      }
    }
  }
}
