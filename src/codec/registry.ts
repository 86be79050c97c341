// Which codecs there are, what SDP calls them (RFC 3551 §6, RFC 7587 §7), and how to get one.
import { OptionError } from '../errors.js';
import type { CodecDescription, CodecName, CodecOptions, Decoder, Encoder } from './codec.js';
import { G711Decoder, G711Encoder } from './g711.js';
import { G722Decoder, G722Encoder } from './g722.js';
import { Linear16Decoder, Linear16Encoder } from './linear16.js';
import { OpusDecoder, OpusEncoder, opusFormat } from './opus.js';

export const codecNames: readonly CodecName[] = ['opus', 'g722', 'pcmu', 'pcma', 'l16'];

const anyPtime = [10, 20, 30, 40, 50, 60] as const;

function eightKilobytes(ms: number): number {
  return 8 * ms;
}

const pcmu: CodecDescription = {
  name: 'pcmu',
  encodingName: 'PCMU',
  staticPayloadType: 0,
  sampleRate: 8000,
  clockRate: 8000,
  channels: 1,
  defaultPtimeMs: 20,
  ptimesMs: anyPtime,
  fmtp: undefined,
  bytesPer: eightKilobytes,
};

const pcma: CodecDescription = { ...pcmu, name: 'pcma', encodingName: 'PCMA', staticPayloadType: 8 };

const g722: CodecDescription = { ...pcmu, name: 'g722', encodingName: 'G722', staticPayloadType: 9, sampleRate: 16000 };

const opus: CodecDescription = {
  name: 'opus',
  encodingName: 'opus',
  staticPayloadType: undefined,
  sampleRate: 48000,
  clockRate: 48000,
  channels: 2,
  defaultPtimeMs: 20,
  ptimesMs: [10, 20, 40, 60],
  fmtp: opusFormat(48000),
  // RFC 6716 §3.2.1: a frame of 20 ms or less has at most 1275 bytes.
  bytesPer: (ms) => 1275 * Math.max(1, Math.ceil(ms / 20)) + 7,
};

function l16(sampleRate: number, channels: number): CodecDescription {
  // RFC 3551 §6: only 44.1 kHz has static payload types.
  const staticPayloadType = sampleRate === 44100 ? (channels === 2 ? 10 : channels === 1 ? 11 : undefined) : undefined;
  return {
    name: 'l16',
    encodingName: 'L16',
    staticPayloadType,
    sampleRate,
    clockRate: sampleRate,
    channels,
    defaultPtimeMs: 20,
    ptimesMs: anyPtime,
    fmtp: undefined,
    bytesPer: (ms) => 2 * channels * Math.ceil((sampleRate * ms) / 1000),
  };
}

/** What SDP and RTP must know of a codec. */
export function describeCodec(name: CodecName, options: CodecOptions = {}): CodecDescription {
  switch (name) {
    case 'pcmu':
      return pcmu;
    case 'pcma':
      return pcma;
    case 'g722':
      return g722;
    case 'opus':
      return options.sampleRate === undefined ? opus : { ...opus, sampleRate: options.sampleRate, fmtp: opusFormat(options.sampleRate) };
    case 'l16':
      return l16(l16Rate(options), l16Channels(options));
    default:
      throw unknown();
  }
}

/** The codec of an `a=rtpmap`; undefined when we have none. Encoding names are compared without case (RFC 4855 §3). */
export function codecOfRtpmap(encodingName: string, clockRate: number, channels = 1): CodecName | undefined {
  switch (encodingName.toLowerCase()) {
    case 'pcmu':
      return clockRate === 8000 && channels === 1 ? 'pcmu' : undefined;
    case 'pcma':
      return clockRate === 8000 && channels === 1 ? 'pcma' : undefined;
    case 'g722':
      // Deviation: G722/16000 is taken for G722/8000; some peers write the rate of the samples (RFC 3551 §4.5.2 has 8000).
      return (clockRate === 8000 || clockRate === 16000) && channels === 1 ? 'g722' : undefined;
    case 'opus':
      // Deviation: opus/48000 without /2 is taken as well (RFC 7587 §7 asks for 2).
      return clockRate === 48000 && channels <= 2 ? 'opus' : undefined;
    case 'l16':
      return clockRate >= 8000 && clockRate <= 48000 && (channels === 1 || channels === 2) ? 'l16' : undefined;
    default:
      return undefined;
  }
}

/** The codec of a payload type below 96 that no rtpmap explains (RFC 3551 §6). */
export function codecOfStaticPayloadType(payloadType: number): CodecDescription | undefined {
  switch (payloadType) {
    case 0:
      return pcmu;
    case 8:
      return pcma;
    case 9:
      return g722;
    case 10:
      return l16(44100, 2);
    case 11:
      return l16(44100, 1);
    default:
      return undefined;
  }
}

/** They remember nothing: one for all calls. */
const g711Encoders = { pcmu: new G711Encoder('pcmu'), pcma: new G711Encoder('pcma') };
const g711Decoders = { pcmu: new G711Decoder('pcmu'), pcma: new G711Decoder('pcma') };

/** Opus wants `await loadOpus()` before; the others are always there. */
export function encoder(name: CodecName, options: CodecOptions = {}): Encoder {
  switch (name) {
    case 'pcmu':
    case 'pcma':
      return g711Encoders[name];
    case 'g722':
      return new G722Encoder(options);
    case 'l16':
      return new Linear16Encoder(l16Rate(options), l16Channels(options));
    case 'opus':
      return new OpusEncoder(options);
    default:
      throw unknown();
  }
}

/** Opus wants `await loadOpus()` before; the others are always there. */
export function decoder(name: CodecName, options: CodecOptions = {}): Decoder {
  switch (name) {
    case 'pcmu':
    case 'pcma':
      return g711Decoders[name];
    case 'g722':
      return new G722Decoder(options);
    case 'l16':
      return new Linear16Decoder(l16Rate(options), l16Channels(options));
    case 'opus':
      return new OpusDecoder(options);
    default:
      throw unknown();
  }
}

function unknown(): OptionError {
  return new OptionError('codec', `one of ${codecNames.join(', ')}`);
}

function l16Rate({ sampleRate = 16000 }: CodecOptions): number {
  if (!Number.isInteger(sampleRate) || sampleRate < 8000 || sampleRate > 48000)
    throw new OptionError('sampleRate', 'for L16, 8000 to 48000 Hz');
  return sampleRate;
}

function l16Channels({ channels = 1 }: CodecOptions): number {
  if (channels !== 1 && channels !== 2) throw new OptionError('channels', 'for L16, 1 or 2');
  return channels;
}
