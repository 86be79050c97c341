/** `sipbot/codec`: codecs, resampling, sound files, tones and what listens for them. No socket, no clock. */
export type { CodecDescription, CodecName, CodecOptions, Decoder, Encoder, FormatParameters } from './codec/codec.js';
export { ComfortNoiseDecoder, ComfortNoiseEncoder, comfortNoiseOrder } from './codec/comfort-noise.js';
export { Concealer } from './codec/concealment.js';
export type { DtmfDigit } from './codec/dtmf-keypad.js';
export { dtmfFrequencies, isDtmfDigit } from './codec/dtmf-keypad.js';
export { dbovOf, LevelMeter, levelDbov, silenceDbov } from './codec/level.js';
export { Gain, gainOf, MixBus, mixInto } from './codec/mix.js';
export { isOpusLoaded, loadOpus } from './codec/opus-library.js';
export { codecNames, codecOfRtpmap, codecOfStaticPayloadType, decoder, describeCodec, encoder } from './codec/registry.js';
export { Resampler } from './codec/resample.js';
export type { ToneListener } from './codec/tone-detector.js';
export { ToneDetector } from './codec/tone-detector.js';
export type { CallProgress, DtmfOptions, Tone, ToneComponent, ToneCountry, TonePart } from './codec/tones.js';
export { dtmfTone, progressTone, renderTone, sineTone, ToneGenerator } from './codec/tones.js';
export type { VoiceActivityOptions, VoiceDetector } from './codec/voice-activity.js';
export { VoiceActivity } from './codec/voice-activity.js';
