/** `sipbot/bot`: what an application sees of its calls. */
export {
  type AudioCleared,
  type AudioFrame,
  CallAudio,
  type FrameOptions,
  type MarkOutcome,
} from './bot/audio.js';
export type { Bot } from './bot/bot.js';
export {
  type AnswerOptions,
  Call,
  type CallEnd,
  type CallHeaders,
  type CallState,
  type DtmfDigit,
  type RingOptions,
  type TransferResult,
} from './bot/call.js';
export type { CallEvents, CallMessage, CallStats, TransferProgress } from './bot/call-events.js';
export { CallTracer, type CallTracerOptions } from './bot/call-tracer.js';
export { Conference, type ConferenceEvents, type ConferenceOptions } from './bot/conference.js';
export type { DialOptions, MessageOptions } from './bot/dialer.js';
export { EchoBot } from './bot/echo-bot.js';
export type { Gathered, GatherOptions } from './bot/gather.js';
export type { HeaderValues } from './bot/header-values.js';
export type { IncomingMessage } from './bot/messages.js';
export type {
  AccountOptions,
  AudioOptions,
  FrameMs,
  Overload,
  SampleRate,
  SipBotOptions,
  TrunkOptions,
  Users,
} from './bot/options.js';
export { Party } from './bot/party.js';
export type { PcmChunk } from './bot/pcm-input.js';
export type { PlayOptions } from './bot/player.js';
export { type Interruption, type PlayMode, Playout, type PlayoutResult } from './bot/playout.js';
export { Recording, type RecordingResult, type RecordOptions } from './bot/recorder.js';
export { type BotStats, SipBot, type SipBotEvents, type Voicemail } from './bot/sip-bot.js';
export type { SoundOptions, SoundSource } from './bot/sound.js';
export type { Recognition, RecognitionOptions, SpeechToText, Transcript } from './bot/speech/speech-to-text.js';
export type { SpeakOptions, SpokenChunk, TextToSpeech, WordMark } from './bot/speech/text-to-speech.js';
export { TransferRequest } from './bot/transfer-request.js';
export { trunkPresetNames } from './bot/trunk-presets.js';
export type { CapturedPacket } from './rtp/packet-capture.js';
