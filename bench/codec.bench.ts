/** Codecs and resampling beside their peers, one 20 ms frame at a time: nanoseconds of CPU and bytes allocated. */
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Decoder as EvanDecoder, Encoder as EvanEncoder } from '@evan/opus';
import * as alawmulaw from 'alawmulaw';
import { Concealer, decoder, encoder, loadOpus, Resampler, ToneDetector, VoiceActivity } from '../src/codec.js';
import { measure, type Task } from './measure.js';
import { save, versionsOf } from './report.js';

const require = createRequire(import.meta.url);

interface SpeexResampler {
  processChunk(chunk: Buffer): Buffer;
}
const { default: Speex } = require('speex-resampler') as {
  default: { initPromise: Promise<unknown>; new (channels: number, from: number, to: number, quality: number): SpeexResampler };
};

interface SampleRateConverter {
  full(input: Float32Array, output: Float32Array): Float32Array;
}
const libsamplerate = require('@alexanderolsen/libsamplerate-js') as {
  create(channels: number, from: number, to: number, options: { converterType: number }): Promise<SampleRateConverter>;
  readonly ConverterType: Readonly<Record<'SRC_SINC_FASTEST' | 'SRC_SINC_MEDIUM_QUALITY', number>>;
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const results: { work: string; name: string; ns: number; bytes: number }[] = [];

/** A table: nanoseconds and bytes, and how many times the first one's. */
function race(work: string, tasks: readonly Task[]): void {
  console.log(work);
  measure(tasks).forEach(({ name, ns }, i, all) => {
    const bytes = Math.round(allocated(tasks[i]!.run));
    const ratio = i === 0 ? '' : `  × ${(ns / all[0]!.ns).toFixed(1)}`;
    console.log(`  ${name.padEnd(48)}${ns.toFixed(0).padStart(8)} ns${`${bytes}`.padStart(8)} B${ratio}`);
    results.push({ work, name, ns: Math.round(ns), bytes });
  });
}

/** Bytes of the heap and of array buffers that one run takes: the least of some tries, none of them interrupted by a collection. */
function allocated(run: () => unknown): number {
  const runs = 200;
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    collect();
    const before = process.memoryUsage();
    for (let i = 0; i < runs; i++) run();
    const after = process.memoryUsage();
    const grown = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
    // Reading the figures takes some kilobytes itself.
    least = Math.min(least, Math.max(0, grown - 6000) / runs);
  }
  return least;
}

const laws = 'default' in alawmulaw ? (alawmulaw.default as typeof alawmulaw) : alawmulaw;
await Speex.initPromise;
await loadOpus();

/** A voice of sorts: ten harmonics and some noise. */
function voice(sampleRate: number): Int16Array {
  let state = 1;
  return Int16Array.from({ length: sampleRate / 50 }, (_, i) => {
    let sum = 0;
    for (let k = 1; k <= 10; k++) sum += Math.sin((2 * Math.PI * 150 * k * i) / sampleRate + k) / k;
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return 5000 * sum + state / 2 ** 22;
  });
}

const narrow = voice(8000);
const wide = voice(16000);
const full = voice(48000);
const bytes = new Uint8Array(2000);
const out = new Int16Array(2000);

for (const [law, theirs] of [
  ['pcmu', laws.mulaw],
  ['pcma', laws.alaw],
] as const) {
  const coder = encoder(law);
  const back = decoder(law);
  const coded = theirs.encode(narrow);
  race(`${law}, encode 160 samples`, [
    { name: 'sipbot', run: () => coder.encode(narrow, 160, bytes, 0) },
    { name: 'alawmulaw', run: () => theirs.encode(narrow) },
  ]);
  race(`${law}, decode 160 bytes`, [
    { name: 'sipbot', run: () => back.decode(coded, 0, 160, out, 0) },
    { name: 'alawmulaw', run: () => theirs.decode(coded) },
  ]);
}

for (const [from, to] of [
  [16000, 8000],
  [8000, 16000],
  [24000, 8000],
  [22050, 16000],
  [48000, 16000],
] as const) {
  const frame = voice(from);
  const ours = new Resampler(from, to);
  const buffer = Buffer.from(frame.buffer);
  const speex = [7, 10].map((quality) => new Speex(1, from, to, quality));
  const sinc = await libsamplerate.create(1, from, to, { converterType: libsamplerate.ConverterType.SRC_SINC_FASTEST });
  const medium = await libsamplerate.create(1, from, to, { converterType: libsamplerate.ConverterType.SRC_SINC_MEDIUM_QUALITY });
  const floats = Float32Array.from(frame, (sample) => sample / 32768);
  const floatsOut = new Float32Array(2000);
  race(`resample 20 ms, ${from} to ${to} Hz`, [
    { name: 'sipbot', run: () => ours.process(frame, frame.length, out) },
    { name: 'speex-resampler, quality 7 (default)', run: () => speex[0]!.processChunk(buffer) },
    { name: 'speex-resampler, quality 10', run: () => speex[1]!.processChunk(buffer) },
    { name: 'libsamplerate, sinc fastest (97 dB)', run: () => sinc.full(floats, floatsOut) },
    { name: 'libsamplerate, sinc medium (121 dB)', run: () => medium.full(floats, floatsOut) },
  ]);
}

for (const sampleRate of [16000, 8000]) {
  const coder = encoder('g722', { sampleRate });
  const back = decoder('g722', { sampleRate });
  const frame = sampleRate === 8000 ? narrow : wide;
  const coded = new Uint8Array(160);
  encoder('g722', { sampleRate }).encode(frame, frame.length, coded, 0);
  race(`G.722 at ${sampleRate} Hz, 20 ms`, [
    { name: 'encode', run: () => coder.encode(frame, frame.length, bytes, 0) },
    { name: 'decode', run: () => back.decode(coded, 0, 160, out, 0) },
  ]);
}

for (const [sampleRate, frame] of [
  [16000, wide],
  [48000, full],
] as const) {
  const coder = encoder('opus', { sampleRate, fmtp: { useinbandfec: '1' } });
  const back = decoder('opus', { sampleRate });
  const theirs = new EvanEncoder({ channels: 1, sample_rate: sampleRate, application: 'voip' });
  theirs.bitrate = sampleRate === 16000 ? 28_000 : 40_000;
  theirs.inband_fec = true;
  theirs.packet_loss = 5;
  const theirBack = new EvanDecoder({ channels: 1, sample_rate: sampleRate });
  const length = coder.encode(frame, frame.length, bytes, 0);
  const packet = bytes.slice(0, length);
  race(`Opus at ${sampleRate} Hz, encode 20 ms, with error correction`, [
    { name: 'sipbot (WebAssembly, complexity 3)', run: () => coder.encode(frame, frame.length, bytes, 0) },
    { name: '@evan/opus as it comes (native, complexity 9)', run: () => theirs.encode(frame) },
  ]);
  race(`Opus at ${sampleRate} Hz, decode 20 ms`, [
    { name: 'sipbot (WebAssembly)', run: () => back.decode(packet, 0, length, out, 0) },
    { name: '@evan/opus as it comes (native)', run: () => theirBack.decode(packet) },
  ]);
}

const concealer = new Concealer(8000);
const detector = new ToneDetector(8000, { onKeyDown: () => undefined });
const activity = new VoiceActivity({ sampleRate: 16000 });
race('around a call, 20 ms (not one work: no ratios meant)', [
  { name: 'Concealer, a frame that came (8 kHz)', run: () => concealer.good(narrow, 160) },
  {
    name: 'Concealer, one that came and one that did not',
    run: () => {
      concealer.good(narrow, 160);
      concealer.conceal(out, 160);
    },
  },
  { name: 'ToneDetector (8 kHz)', run: () => detector.process(narrow, 160) },
  { name: 'VoiceActivity (16 kHz)', run: () => activity.process(wide, 320) },
]);

save('codec', results, versionsOf(['alawmulaw', '@evan/opus', 'speex-resampler', '@alexanderolsen/libsamplerate-js']));
