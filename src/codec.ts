/** `sipbot/codec`: codecs, resampling, sound files, tones and what listens for them. No socket, no clock. */
export type { CodecDescription, CodecName, CodecOptions, Decoder, Encoder, FormatParameters } from './codec/codec.js';
export { Concealer } from './codec/concealment.js';
export { isOpusLoaded, loadOpus } from './codec/opus-library.js';
export { codecNames, codecOfRtpmap, codecOfStaticPayloadType, decoder, describeCodec, encoder } from './codec/registry.js';
export { Resampler } from './codec/resample.js';
