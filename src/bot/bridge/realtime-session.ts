/** The session that a Realtime service is asked for, in the words of the API of today or of its beta. */

import type { SoundFormat } from '../wire/sound-format.js';
import type { Tool } from './phone-tools.js';

export type RealtimeDialect = 'ga' | 'beta';

export interface SessionWishes {
  readonly instructions?: string;
  readonly voice?: string;
  readonly tools?: readonly Tool[];
  readonly session?: Readonly<Record<string, unknown>>;
  readonly dialect?: RealtimeDialect;
}

export function realtimeSession(wishes: SessionWishes, format: SoundFormat): object {
  const { instructions, voice, tools = [], session = {}, dialect = 'ga' } = wishes;
  const functions = tools.map(({ name, description, parameters = { type: 'object', properties: {} } }) => ({
    type: 'function',
    name,
    description,
    parameters,
  }));
  const common = { ...(instructions !== undefined && { instructions }), ...(functions.length > 0 && { tools: functions }) };
  const ours =
    dialect === 'beta'
      ? { modalities: ['text', 'audio'], input_audio_format: betaName(format), output_audio_format: betaName(format), voice, ...common }
      : {
          type: 'realtime',
          output_modalities: ['audio'],
          audio: { input: { format: gaFormat(format) }, output: { format: gaFormat(format), voice } },
          ...common,
        };
  return merged(ours, session);
}

function gaFormat({ encoding, sampleRate }: SoundFormat): object {
  return encoding === 'pcm16' ? { type: 'audio/pcm', rate: sampleRate } : { type: `audio/${encoding}` };
}

function betaName({ encoding }: SoundFormat): string {
  return { pcm16: 'pcm16', pcmu: 'g711_ulaw', pcma: 'g711_alaw' }[encoding];
}

/** Objects within objects are merged; anything else of `over` replaces. */
function merged(under: object, over: object): object {
  const out: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = out[key];
    out[key] = isPlain(value) && isPlain(below) ? merged(below, value) : value;
  }
  return out;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
