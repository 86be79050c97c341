// WAV files: read in every form that telephony and speech synthesis write (PCM of 8 to 32 bits, float, A-law, µ-law), written as PCM, A-law or µ-law.
// Microsoft's RIFF/WAVE: "Multimedia Programming Interface and Data Specifications 1.0", and WAVE_FORMAT_EXTENSIBLE.
import { OptionError, SipBotError } from '../errors.js';
import { type CompandingLaw, G711Decoder, G711Encoder } from './g711.js';
import type { Sound } from './sound.js';

export type WavEncoding = 'pcm16' | CompandingLaw;

export interface WavFormat {
  readonly sampleRate: number;
  /** @default 1 */
  readonly channels?: number;
  /** @default 'pcm16' */
  readonly encoding?: WavEncoding;
}

const tagPcm = 1;
const tagFloat = 3;
const tagAlaw = 6;
const tagUlaw = 7;
const tagExtensible = 0xfffe;
/** Bytes 2 to 15 of the sub-format's GUID, after a format tag of old. */
const subFormatTail = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
const largestChannels = 16;
const largestRate = 768_000;

interface Layout {
  readonly tag: number;
  readonly channels: number;
  readonly sampleRate: number;
  /** Of one sample of one channel. */
  readonly bytes: number;
}

function refuse(why: string): never {
  throw new SipBotError('ERR_AUDIO', `not a WAV file that can be read: ${why}`);
}

function text(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

export function isWav(bytes: Uint8Array): boolean {
  if (bytes.length < 12) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return ['RIFF', 'RF64'].includes(text(view, 0)) && text(view, 8) === 'WAVE';
}

/**
 * Reads a whole file. Sizes are not trusted: a file cut short, or whose writer never came to fill them in, is read to its end.
 * Throws `ERR_AUDIO` with the reason when it is no WAV file or holds what is not PCM, float, A-law or µ-law.
 */
export function readWav(bytes: Uint8Array): Sound {
  if (!isWav(bytes)) refuse('it does not begin with RIFF … WAVE');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let layout: Layout | undefined;
  // Each turn is at least 8 bytes further on: linear, whatever the sizes say.
  for (let at = 12; at + 8 <= bytes.length; ) {
    const id = text(view, at);
    const size = view.getUint32(at + 4, true);
    const from = at + 8;
    if (id === 'fmt ') layout = readLayout(view, from, Math.min(size, bytes.length - from));
    if (id === 'data') {
      if (!layout) refuse('the data come before their format');
      // 0 and 2^32 − 1 are what recorders write until they know.
      const known = size > 0 && size <= bytes.length - from;
      return {
        sampleRate: layout.sampleRate,
        channels: layout.channels,
        samples: readSamples(view, from, known ? size : bytes.length - from, layout),
      };
    }
    at = from + size + (size & 1);
  }
  return refuse(layout ? 'it has no data' : 'it has no format');
}

function readLayout(view: DataView, at: number, size: number): Layout {
  if (size < 16) refuse('its format is cut short');
  let tag = view.getUint16(at, true);
  const channels = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  const blockAlign = view.getUint16(at + 12, true);
  const bits = view.getUint16(at + 14, true);
  if (tag === tagExtensible) {
    if (size < 40) refuse('its format is cut short');
    if (!subFormatTail.every((byte, i) => view.getUint8(at + 26 + i) === byte)) refuse('its format is not one of Microsoft’s');
    tag = view.getUint16(at + 24, true);
  }
  if (channels < 1 || channels > largestChannels) refuse(`${channels} channels, where 1 to ${largestChannels} can be`);
  if (sampleRate < 1000 || sampleRate > largestRate) refuse(`${sampleRate} Hz, where 1000 to ${largestRate} can be`);
  // Samples of odd widths lie in whole bytes, at their upper end; the block says how many, unless it is nonsense.
  const bytes = blockAlign > 0 && blockAlign % channels === 0 ? blockAlign / channels : Math.ceil(bits / 8);
  const widths = { [tagPcm]: [1, 2, 3, 4], [tagFloat]: [4, 8], [tagAlaw]: [1], [tagUlaw]: [1] }[tag];
  if (!widths) refuse(`format 0x${tag.toString(16)}, where PCM, float, A-law and µ-law are known`);
  if (!widths.includes(bytes)) refuse(`${8 * bytes} bits a sample`);
  return { tag, channels, sampleRate, bytes };
}

function readSamples(view: DataView, from: number, size: number, { tag, channels, bytes }: Layout): Int16Array {
  const count = Math.floor(size / (bytes * channels)) * channels;
  const out = new Int16Array(count);
  if (tag === tagAlaw || tag === tagUlaw) {
    const coded = new Uint8Array(view.buffer, view.byteOffset + from, count);
    new G711Decoder(tag === tagAlaw ? 'pcma' : 'pcmu').decode(coded, 0, count, out, 0);
    return out;
  }
  const read = tag === tagFloat ? (bytes === 4 ? readFloat32 : readFloat64) : [read8, read16, read24, read32][bytes - 1]!;
  for (let i = 0, at = from; i < count; i++, at += bytes) out[i] = read(view, at);
  return out;
}

function round16(value: number): number {
  return value >= 32767 ? 32767 : value <= -32768 ? -32768 : Math.round(value);
}

// 8 bits alone are unsigned.
const read8 = (view: DataView, at: number): number => (view.getUint8(at) - 128) << 8;
const read16 = (view: DataView, at: number): number => view.getInt16(at, true);
const read24 = (view: DataView, at: number): number => round16(view.getInt16(at + 1, true) + view.getUint8(at) / 256);
const read32 = (view: DataView, at: number): number => round16(view.getInt32(at, true) / 65536);
// What is no number becomes silence.
const readFloat32 = (view: DataView, at: number): number => round16(32768 * view.getFloat32(at, true) || 0);
const readFloat64 = (view: DataView, at: number): number => round16(32768 * view.getFloat64(at, true) || 0);

/**
 * The head of a file that goes on with `dataBytes` of data. A recorder writes it first and again, at the file's beginning, as the data grow: its length
 * depends on the format alone. A process that dies leaves a file that is right up to the last time.
 */
export function wavHeader(format: WavFormat, dataBytes: number): Uint8Array {
  const { sampleRate, channels = 1, encoding = 'pcm16' } = format;
  if (!Number.isInteger(sampleRate) || sampleRate < 1000 || sampleRate > largestRate)
    throw new OptionError('sampleRate', `1000 to ${largestRate} Hz`);
  if (!Number.isInteger(channels) || channels < 1 || channels > largestChannels)
    throw new OptionError('channels', `1 to ${largestChannels}`);
  const isPcm = encoding === 'pcm16';
  const width = isPcm ? 2 : 1;
  // What is not PCM says how many samples there are, in a chunk of its own, and how many bytes its format goes on for: none.
  const out = new Uint8Array(isPcm ? 44 : 58);
  const view = new DataView(out.buffer);
  const put = (at: number, word: string) => {
    for (let i = 0; i < 4; i++) out[at + i] = word.charCodeAt(i);
  };
  const cap = (size: number) => Math.min(size, 0xffffffff);
  put(0, 'RIFF');
  view.setUint32(4, cap(out.length - 8 + dataBytes + (dataBytes & 1)), true);
  put(8, 'WAVE');
  put(12, 'fmt ');
  view.setUint32(16, isPcm ? 16 : 18, true);
  view.setUint16(20, isPcm ? tagPcm : encoding === 'pcma' ? tagAlaw : tagUlaw, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * width, true);
  view.setUint16(32, channels * width, true);
  view.setUint16(34, 8 * width, true);
  if (!isPcm) {
    put(38, 'fact');
    view.setUint32(42, 4, true);
    view.setUint32(46, cap(Math.floor(dataBytes / channels)), true);
  }
  put(out.length - 8, 'data');
  view.setUint32(out.length - 4, cap(dataBytes), true);
  return out;
}

/** Samples as they stand in the data of a file, into `out[offset..]`; the bytes written. */
export function wavDataInto(samples: Int16Array, count: number, encoding: WavEncoding, out: Uint8Array, offset: number): number {
  if (encoding !== 'pcm16') return new G711Encoder(encoding).encode(samples, count, out, offset);
  for (let i = 0, at = offset; i < count; i++) {
    out[at++] = samples[i]!;
    out[at++] = samples[i]! >> 8;
  }
  return 2 * count;
}

/** A whole file. Samples of several channels are interleaved: `writeWav(sound.samples, sound)` writes what `readWav` read. */
export function writeWav(samples: Int16Array, format: WavFormat): Uint8Array {
  const { encoding = 'pcm16' } = format;
  const dataBytes = samples.length * (encoding === 'pcm16' ? 2 : 1);
  const header = wavHeader(format, dataBytes);
  // Chunks begin at even places.
  const out = new Uint8Array(header.length + dataBytes + (dataBytes & 1));
  out.set(header);
  wavDataInto(samples, samples.length, encoding, out, header.length);
  return out;
}
