// The inner loop of resampling in WebAssembly, where four products are one instruction (fir.wat); one for all streams of a thread. An engine without
// it, or without its vectors, runs the loop of resample.ts instead: the same samples but for the rounding of a half, later.
import { firCode } from './fir-code.js';
import { webAssembly } from './web-assembly.js';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  run(
    line: number,
    weights: number,
    taps: number,
    out: number,
    whole: number,
    count: number,
    rest: number,
    up: number,
    wholeStep: number,
    restStep: number,
  ): number;
}

const lineLength = 8192;
const outLength = 8192;
const outAt = 4 * lineLength;
const weightsAt = outAt + 2 * outLength;

export class Fir {
  /** What the filter runs along: the past of the stream at work, then its newest samples. */
  readonly line: Float32Array;
  /** What came out of it. */
  readonly out: Int16Array;
  readonly #exports: Exports;
  readonly #memory: ArrayBuffer;
  #free = weightsAt;

  constructor(exports: Exports) {
    this.#exports = exports;
    this.#memory = exports.memory.buffer;
    this.line = new Float32Array(this.#memory, 0, lineLength);
    this.out = new Int16Array(this.#memory, outAt, outLength);
  }

  /** Where weights lie from now on; 0 when there is no room for them, or for what they are run along and for what comes out. */
  keep(weights: Float32Array, line: number, out: number): number {
    const at = this.#free;
    if (line > lineLength || out > outLength || at + weights.byteLength > this.#memory.byteLength) return 0;
    new Float32Array(this.#memory, at, weights.length).set(weights);
    this.#free += weights.byteLength;
    return at;
  }

  /** Output after output until one would stand `count` samples into the line; how many. */
  run(weights: number, taps: number, whole: number, count: number, rest: number, up: number, down: number): number {
    const wholeStep = Math.floor(down / up);
    return this.#exports.run(0, weights, taps, outAt, whole, count, rest, up, wholeStep, down - wholeStep * up);
  }
}

function load(): Fir | undefined {
  const api = webAssembly();
  if (api === undefined) return undefined;
  try {
    const code = Uint8Array.from(atob(firCode), (character) => character.charCodeAt(0));
    return new Fir(new api.Instance(new api.Module(code)).exports as Exports);
  } catch {
    return undefined;
  }
}

let loaded: { readonly fir: Fir | undefined } | undefined;

/** Undefined where there is none to be had. */
export function fir(): Fir | undefined {
  loaded ??= { fir: load() };
  return loaded.fir;
}
