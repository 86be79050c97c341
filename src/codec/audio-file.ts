// Sound files of any kind as samples: WAV by ourselves, MP3, Ogg, FLAC and others through optional packages, loaded when first needed.
import { SipBotError } from '../errors.js';
import type { Sound } from './sound.js';
import { isWav, readWav } from './wav.js';

export interface AudioFileOptions {
  /** How the optional packages are imported; a bundled application hands in its own. @default import() */
  readonly load?: (name: 'mpg123-decoder' | 'audio-decode') => Promise<unknown>;
}

/** What both packages return. */
interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly sampleRate: number;
}

interface Mpg123 {
  readonly MPEGDecoder: new () => { readonly ready: Promise<void>; decode(bytes: Uint8Array): Decoded; free(): void };
}

type AudioDecode = (bytes: Uint8Array) => Promise<Decoded | AudioBufferLike>;

/** What older versions of audio-decode return. */
interface AudioBufferLike {
  readonly numberOfChannels: number;
  readonly sampleRate: number;
  getChannelData(channel: number): Float32Array;
}

/** The kind of a file by how it begins. */
export function audioFileKind(bytes: Uint8Array): string | undefined {
  if (isWav(bytes)) return 'WAV';
  const starts = (word: string, at = 0) =>
    bytes.length >= at + word.length && [...word].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  if (starts('OggS')) return 'Ogg';
  if (starts('fLaC')) return 'FLAC';
  if (starts('FORM')) return 'AIFF';
  if (starts('ftyp', 4)) return 'MP4';
  if (starts('\x1aE\xdf\xa3')) return 'WebM';
  // Layer I, II or III after eleven set bits; the reserved layer is AAC in ADTS.
  const isFrame = bytes.length >= 2 && bytes[0] === 0xff && (bytes[1]! & 0xe0) === 0xe0;
  if (starts('ID3') || (isFrame && (bytes[1]! & 6) !== 0)) return 'MP3';
  return isFrame ? 'AAC' : undefined;
}

/** Reads a whole file. Rejects with `ERR_AUDIO` when it is damaged, of an unknown kind, or when the package for its kind is not installed. */
export async function readAudio(bytes: Uint8Array, options: AudioFileOptions = {}): Promise<Sound> {
  const kind = audioFileKind(bytes);
  if (kind === 'WAV') return readWav(bytes);
  if (kind === undefined) throw new SipBotError('ERR_AUDIO', 'the file is of no kind of audio that is known');
  const load = options.load ?? ((name: string): Promise<unknown> => import(name));
  const mpg123 = kind === 'MP3' ? ((await load('mpg123-decoder').catch(() => undefined)) as Mpg123 | undefined) : undefined;
  const audioDecode = mpg123 ? undefined : ((await load('audio-decode').catch(() => undefined)) as { default: AudioDecode } | undefined);
  if (!mpg123 && !audioDecode) {
    const packages = kind === 'MP3' ? 'mpg123-decoder or audio-decode' : 'audio-decode';
    throw new SipBotError(
      'ERR_AUDIO',
      `${kind} files need the package ${packages}, which is not installed: npm install ${packages.split(' ')[0]}`,
    );
  }
  let decoded: Decoded | AudioBufferLike;
  try {
    decoded = mpg123 ? await decodeMp3(mpg123, bytes) : await audioDecode!.default(bytes);
  } catch (error) {
    throw new SipBotError(
      'ERR_AUDIO',
      `the ${kind} file could not be decoded: ${error instanceof Error ? error.message : 'unknown reason'}`,
      { cause: error },
    );
  }
  return interleave(kind, decoded);
}

async function decodeMp3({ MPEGDecoder }: Mpg123, bytes: Uint8Array): Promise<Decoded> {
  const decoder = new MPEGDecoder();
  await decoder.ready;
  try {
    return decoder.decode(bytes);
  } finally {
    decoder.free();
  }
}

function interleave(kind: string, decoded: Decoded | AudioBufferLike): Sound {
  const planes =
    'channelData' in decoded
      ? decoded.channelData
      : Array.from({ length: decoded.numberOfChannels }, (_, channel) => decoded.getChannelData(channel));
  const channels = planes.length;
  const length = Math.min(...planes.map((plane) => plane.length));
  if (channels === 0 || length === 0) throw new SipBotError('ERR_AUDIO', `the ${kind} file holds no sound`);
  const samples = new Int16Array(length * channels);
  planes.forEach((plane, channel) => {
    for (let i = 0, to = channel; i < length; i++, to += channels) {
      const value = Math.round(32768 * plane[i]!);
      samples[to] = value > 32767 ? 32767 : value < -32768 ? -32768 : value;
    }
  });
  return { sampleRate: decoded.sampleRate, channels, samples };
}
