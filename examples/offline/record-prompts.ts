/** Makes the recordings in `prompts/` out of what the receptionist says, with flite: `npx tsx examples/offline/record-prompts.ts`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { Resampler, writeWav } from 'sipbot/codec';
import { FliteVoice } from './flite-voice.js';
import { SENTENCES } from './receptionist.js';
import { fileOf } from './recorded-voice.js';
import { MESSAGE } from './start.js';

const RATE = 8000;
const QUIET = 150;
const AROUND = (RATE * 40) / 1000;
const folder = new URL('./prompts/', import.meta.url);
const numbers = [...Array.from({ length: 20 }, (_, i) => `${i}`), '20', '30', '40', '50'];
const texts = [
  ...Object.values(SENTENCES).flatMap((text) => text.match(/[^.]+\./g) ?? []),
  MESSAGE,
  ...numbers,
  'it',
  'is',
  "o'clock",
  'a',
  'p',
  'm',
];

await mkdir(folder, { recursive: true });
const voice = new FliteVoice('slt');
for (const text of texts.map((one) => one.trim())) {
  for await (const { samples, sampleRate } of voice.speak(text)) {
    const resampler = new Resampler(sampleRate, RATE);
    const spoken = samples as Int16Array;
    const out = new Int16Array(resampler.maxOutput(spoken.length));
    const whole = out.subarray(0, resampler.process(spoken, spoken.length, out));
    const from = Math.max(0, whole.findIndex((sample) => Math.abs(sample) > QUIET) - AROUND);
    const to = whole.findLastIndex((sample) => Math.abs(sample) > QUIET) + AROUND;
    await writeFile(new URL(fileOf(text), folder), writeWav(whole.slice(from, to), { sampleRate: RATE, encoding: 'pcmu' }));
  }
}
await voice.close();
