// A sound as a file holds it: 16-bit samples, any rate, any channels; and what a call needs of it: one channel at the call's rate.
import { Resampler } from './resample.js';

export interface Sound {
  readonly sampleRate: number;
  readonly channels: number;
  /** Channel after channel within each moment: left, right, left, right. */
  readonly samples: Int16Array;
}

/** How long it is. */
export function soundMs({ samples, channels, sampleRate }: Sound): number {
  return (Math.floor(samples.length / channels) * 1000) / sampleRate;
}

/** One channel of it, the first being 0. */
export function soundChannel({ samples, channels }: Sound, channel: number): Int16Array {
  const out = new Int16Array(Math.floor(samples.length / channels));
  for (let i = 0, from = channel; i < out.length; i++, from += channels) out[i] = samples[from]!;
  return out;
}

/** All channels mixed to one, at that rate, neither late nor cut short by the filter's delay. */
export function monoSound(sound: Sound, sampleRate = sound.sampleRate): Int16Array {
  const mono = mixDown(sound);
  if (sampleRate === sound.sampleRate) return mono;
  const resampler = new Resampler(sound.sampleRate, sampleRate);
  const late = Math.round((resampler.delayMs * sampleRate) / 1000);
  const wanted = Math.round((mono.length * sampleRate) / sound.sampleRate);
  const out = new Int16Array(resampler.maxOutput(mono.length) + late + 2);
  const made = resampler.process(mono, mono.length, out);
  resampler.flush(out, made);
  return out.subarray(late, late + wanted);
}

function mixDown({ samples, channels }: Sound): Int16Array {
  if (channels === 1) return samples;
  const out = new Int16Array(Math.floor(samples.length / channels));
  for (let i = 0, from = 0; i < out.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += samples[from++]!;
    out[i] = Math.round(sum / channels);
  }
  return out;
}
