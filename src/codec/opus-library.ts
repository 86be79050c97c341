// * The WebAssembly build of libopus inside the optional package `@evan/opus`, found on disk and started once a thread.
//
// The package's own wrapper allocates per packet, and reaches neither the forward error correction nor the concealment of the decoder; so this
// speaks to the library underneath it.
import { readFile } from 'node:fs/promises';
import { SipBotError } from '../errors.js';
import { installedFile } from './installed.js';
import { webAssembly } from './web-assembly.js';

/** The functions of libopus that the package exports. Pointers are offsets into `memory`. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize?(): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  opus_encoder_get_size(channels: number): number;
  opus_encoder_init(encoder: number, sampleRate: number, channels: number, application: number): number;
  opus_encoder_ctl_set(encoder: number, request: number, value: number): number;
  opus_encode(encoder: number, samples: number, count: number, payload: number, room: number): number;
  opus_decoder_get_size(channels: number): number;
  opus_decoder_init(decoder: number, sampleRate: number, channels: number): number;
  opus_decoder_ctl_set(decoder: number, request: number, value: number): number;
  opus_decode(decoder: number, payload: number, length: number, samples: number, count: number, fec: number): number;
}

/** 120 ms at 48 kHz: the longest packet (RFC 6716 §3.2.5). */
export const longestPacketSamples = 5760;
/** 48 frames of 2.5 ms cannot be larger, nor does a datagram carry more than we would read. */
export const largestPayload = 8192;

export class OpusLibrary {
  readonly calls: Exports;
  /** Where one payload and one packet of samples are handed over. One for all: a call is over before the next begins. */
  readonly payloadAt: number;
  readonly samplesAt: number;
  /** Views of the memory; made anew when it grows. */
  payload: Uint8Array = new Uint8Array(0);
  samples: Int16Array = new Int16Array(0);

  constructor(module: object) {
    const nothing = () => 0;
    const instance = new (needed().Instance)(module, {
      wasi_snapshot_preview1: { fd_seek: nothing, fd_write: nothing, fd_close: nothing, proc_exit: nothing },
      env: { emscripten_notify_memory_growth: () => this.#view() },
    });
    this.calls = instance.exports as Exports;
    this.calls._initialize?.();
    this.payloadAt = this.calls.malloc(largestPayload);
    this.samplesAt = this.calls.malloc(2 * longestPacketSamples);
    this.#view();
  }

  #view(): void {
    if (this.samplesAt === undefined) return;
    this.payload = new Uint8Array(this.calls.memory.buffer, this.payloadAt, largestPayload);
    this.samples = new Int16Array(this.calls.memory.buffer, this.samplesAt, longestPacketSamples);
  }
}

// Code, not state: what it is depends on nothing but the installed package.
let loaded: OpusLibrary | undefined;

export function opusLibrary(): OpusLibrary {
  if (!loaded) throw new SipBotError('ERR_CODEC', 'Opus is not loaded: `await loadOpus()` first');
  return loaded;
}

export function isOpusLoaded(): boolean {
  return loaded !== undefined;
}

/**
 * Makes `encoder('opus')` and `decoder('opus')` possible in this thread. Rejects when `@evan/opus` is not installed.
 * A bundled application that leaves the package behind can give the contents of its `wasm/simd.wasm`.
 */
export async function loadOpus(wasm?: Uint8Array): Promise<void> {
  if (loaded) return;
  const module = await needed().compile(wasm ?? (await readWasm()));
  loaded ??= new OpusLibrary(module);
}

async function readWasm(): Promise<Uint8Array> {
  const read = (file: string): Promise<Uint8Array> => readFile(installedFile(`@evan/opus/wasm/${file}.wasm`, 'ERR_CODEC', '@evan/opus'));
  const simd = await read('simd');
  return needed().validate(simd) ? simd : read('opus');
}

function needed(): NonNullable<ReturnType<typeof webAssembly>> {
  const api = webAssembly();
  if (api === undefined) throw new SipBotError('ERR_CODEC', 'Opus needs WebAssembly, and this engine has none');
  return api;
}
