/**
 * How well voice detectors hear: speech with noise added, through G.711, held against where the clean speech is (ITU-T P.56: 15.9 dB under the
 * active level; pauses up to 200 ms belong to it). Hits: frames of speech called speech; false alarms: frames farther than 300 ms from any speech
 * called speech; onset: from the first frame of a stretch of speech to the first call. Hits % · false alarms % · median/worst onset in ms.
 * `SIPBOT_TEST_DATA=folder npm run bench -- vad`
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decoder,
  encoder,
  Resampler,
  readWav,
  type SileroDetector,
  sileroVad,
  VoiceActivity,
  type VoiceDetector,
  webRtcVad,
} from '../src/codec.js';
import { save, versionsOf } from './report.js';

const RATE = 8000;
const FRAME = 80;
const LEVEL_DBOV = -26;
const AROUND = 2 * RATE;
const SEEDS = [1, 2, 3, 4, 5];
const FILES = ['pjproject-input.8.wav', 'freeswitch-hi.wav', 'testsuite-audio.ulaw', 'diago-demo-echodone.wav'];
const folder = join(process.env['SIPBOT_TEST_DATA'] ?? '.', 'speech-dev');

function loadSpeech(file: string): Float64Array {
  const bytes = readFileSync(join(folder, file));
  if (file.endsWith('.ulaw')) {
    const samples = new Int16Array(bytes.length);
    decoder('pcmu').decode(bytes, 0, bytes.length, samples, 0);
    return Float64Array.from(samples);
  }
  const { samples, sampleRate } = readWav(bytes);
  if (sampleRate === RATE) return Float64Array.from(samples);
  const resampler = new Resampler(sampleRate, RATE);
  const out = new Int16Array(resampler.maxOutput(samples.length));
  return Float64Array.from(out.subarray(0, resampler.process(samples, samples.length, out)));
}

function randomOf(seed: number): () => number {
  let state = seed * 2654435761;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 0x80000000;
  };
  return () => next() + next() + next();
}

const rms = (x: Float64Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);
const speech = FILES.map(loadSpeech);

/** Kinds of noise, each of any level. */
const noises: Record<string, (length: number, random: () => number) => Float64Array> = {
  white: (length, random) => Float64Array.from({ length }, random),
  pink: (length, random) => {
    let [a, b, c] = [0, 0, 0];
    return Float64Array.from({ length }, () => {
      const w = random();
      a = 0.99765 * a + w * 0.099046;
      b = 0.963 * b + w * 0.2965164;
      c = 0.57 * c + w * 1.0526913;
      return a + b + c + w * 0.1848;
    });
  },
  /** Twelve voices at once, backwards. */
  babble: (length, random) => {
    const sum = new Float64Array(length);
    for (let voice = 0; voice < 12; voice++) {
      const one = speech[voice % speech.length]!;
      const gain = 1 / rms(one);
      const from = Math.floor(Math.abs(random()) * one.length);
      for (let i = 0; i < length; i++) sum[i]! += gain * one[one.length - 1 - ((i + from) % one.length)]!;
    }
    return sum;
  },
};

/** P.56, method B: the active level, and which frames are above the margin under it, gaps of 200 ms filled, clicks left out. */
function activity(x: Float64Array): { level: number; active: Uint8Array } {
  const decay = Math.exp(-1 / (RATE * 0.03));
  const envelope = new Float64Array(x.length);
  for (let i = 0, p = 0, q = 0; i < x.length; i++) {
    p = decay * p + (1 - decay) * Math.abs(x[i]!);
    q = decay * q + (1 - decay) * p;
    envelope[i] = q;
  }
  const energy = rms(x) ** 2 * x.length;
  let best = { error: Number.POSITIVE_INFINITY, level: 0, threshold: 0 };
  for (let threshold = 1; threshold < 20_000; threshold *= 1.05) {
    let count = 0;
    let hang = 0;
    for (const value of envelope) {
      hang = value > threshold ? 0.2 * RATE : hang - 1;
      if (hang > 0) count++;
    }
    if (count === 0) break;
    const level = Math.sqrt(energy / count);
    const error = Math.abs(20 * Math.log10(level / threshold) - 15.9);
    if (error < best.error) best = { error, level, threshold };
  }
  const active = new Uint8Array(Math.floor(x.length / FRAME));
  for (let f = 0, last = -100; f < active.length; f++) {
    if (rms(x.subarray(f * FRAME, (f + 1) * FRAME)) <= best.threshold) continue;
    active.fill(1, f - last <= 21 ? last : f, f + 1);
    last = f;
  }
  for (let from = 0, to = 0; from < active.length; from = to) {
    while (to < active.length && active[to] === active[from]) to++;
    if (to - from < 6) active.fill(0, from, to);
  }
  return { level: best.level, active };
}

interface Score {
  hits: number;
  speech: number;
  alarms: number;
  silence: number;
  missed: number;
  readonly onsets: number[];
}

/** What it says at the end of each frame; one that thinks in a thread has said it before the next, as it has in a call. */
async function ask(detector: VoiceDetector & Partial<SileroDetector>, sound: Int16Array, frames: number): Promise<Uint8Array> {
  detector.reset();
  const said = new Uint8Array(frames);
  for (let f = 0; f < frames; f++) {
    said[f] = detector.process(sound, FRAME, f * FRAME) ? 1 : 0;
    while ((detector.behindMs ?? 0) > 0) await new Promise(setImmediate);
  }
  return said;
}

function score(said: Uint8Array, truth: Uint8Array, into: Score): void {
  let sinceSpeech = 1000;
  for (let f = 0; f < truth.length; f++) {
    if (truth[f] === 1) {
      into.speech++;
      into.hits += said[f]!;
      if (sinceSpeech > 40 && said[f - 1] !== 1) {
        const after = said.subarray(f, f + 100).indexOf(1);
        if (after < 0) into.missed++;
        else into.onsets.push((after + 1) * 10);
      }
      sinceSpeech = 0;
    } else if (++sinceSpeech > 30) {
      into.silence++;
      into.alarms += said[f]!;
    }
  }
}

function noisy(clean: Float64Array, level: number, noise: Float64Array, snrDb: number): Int16Array {
  const speechGain = (32768 * 10 ** (LEVEL_DBOV / 20)) / level;
  const noiseGain = (32768 * 10 ** ((LEVEL_DBOV - snrDb) / 20)) / rms(noise);
  const mixed = Int16Array.from(noise, (v, i) =>
    Math.max(-32768, Math.min(32767, Math.round(v * noiseGain + (clean[i - AROUND] ?? 0) * speechGain))),
  );
  const bytes = new Uint8Array(mixed.length);
  encoder('pcmu').encode(mixed, mixed.length, bytes, 0);
  decoder('pcmu').decode(bytes, 0, bytes.length, mixed, 0);
  return mixed;
}

/** What most begin with: 9 dB over a noise floor that rises slowly and falls at once, for 20 ms; the same hang-over. */
class LevelDetector implements VoiceDetector {
  readonly sampleRate = RATE;
  isSpeech = false;
  #floor = 1e6;
  #loud = 0;
  #soft = 0;

  process(samples: Int16Array, count: number, at = 0): boolean {
    let energy = 0;
    for (let i = at; i < at + count; i++) energy += samples[i]! * samples[i]!;
    energy = Math.max(1, energy / count);
    this.#floor = energy < this.#floor ? energy : this.#floor * 1.003;
    const isLoud = energy > 8 * this.#floor && energy > 80 * 80;
    this.#loud = isLoud ? this.#loud + 1 : 0;
    this.#soft = isLoud ? 0 : this.#soft + 1;
    if (this.#loud >= 2) this.isSpeech = true;
    if (this.#soft >= 20) this.isSpeech = false;
    return this.isSpeech;
  }

  reset(): void {
    this.isSpeech = false;
    this.#floor = 1e6;
    this.#loud = this.#soft = 0;
  }
}

const webRtc = await Promise.all(([2, 3] as const).map((mode) => webRtcVad({ mode })));
const detectors: Record<string, VoiceDetector> = {
  'built in': new VoiceActivity({ sampleRate: RATE, attackMs: 20, hangoverMs: 200 }),
  'level alone': new LevelDetector(),
  'WebRTC, mode 2': webRtc[0]!.detector(RATE),
  'WebRTC, mode 3': webRtc[1]!.detector(RATE),
};

const silero = await sileroVad({ hangoverMs: 200 });
detectors['Silero'] = silero.detector(RATE);

const results: object[] = [];
const names = Object.keys(detectors);
console.log(`| noise, SNR dB | ${names.join(' | ')} |\n|---|${names.map(() => '---|').join('')}`);
for (const [kind, make] of Object.entries(noises)) {
  for (const snrDb of [20, 10, 5]) {
    const cells: string[] = [];
    for (const [name, detector] of Object.entries(detectors)) {
      const total: Score = { hits: 0, speech: 0, alarms: 0, silence: 0, missed: 0, onsets: [] };
      for (const seed of SEEDS) {
        for (const clean of speech) {
          const { level, active } = activity(clean);
          const noise = make(clean.length + 2 * AROUND, randomOf(seed));
          const truth = new Uint8Array(Math.floor(noise.length / FRAME));
          truth.set(active, AROUND / FRAME);
          score(await ask(detector, noisy(clean, level, noise, snrDb), truth.length), truth, total);
        }
      }
      const onsets = total.onsets.sort((a, b) => a - b);
      const [median, worst] = [onsets[onsets.length >> 1], onsets.at(-1)];
      results.push({ kind, snrDb, name, ...total, onsets: { median, worst, of: onsets.length } });
      const percent = (part: number, whole: number): string => ((100 * part) / whole).toFixed(1);
      const onset = median === undefined ? '–' : `${median}/${worst}`;
      cells.push(`${percent(total.hits, total.speech)} · ${percent(total.alarms, total.silence)} · ${onset}`);
    }
    console.log(`| ${kind}, ${snrDb} | ${cells.join(' | ')} |`);
  }
}
save('vad', results, versionsOf(['@echogarden/fvad-wasm', 'onnxruntime-web', '@ricky0123/vad-web']));
await silero.close();
