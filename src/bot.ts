/** `sipbot/bot`: what an application sees of its calls. */
export {
  type AudioCleared,
  type AudioFrame,
  CallAudio,
  type FrameOptions,
} from './bot/audio.js';
export type { Bot } from './bot/bot.js';
export { AudioSocket, type AudioSocketOptions } from './bot/bridge/audiosocket.js';
export { AudioSocketCall, type AudioSocketCallEvents } from './bot/bridge/audiosocket-call.js';
export { AudioSocketServer, type AudioSocketServerEvents, type AudioSocketServerOptions } from './bot/bridge/audiosocket-server.js';
export type { BridgeBot } from './bot/bridge/bridge-bot.js';
export type { BridgeEvents, BridgeOptions, BridgeStats } from './bot/bridge/bridge-line.js';
export { comfortTone } from './bot/bridge/comfort.js';
export { JambonzListen, type JambonzListenOptions } from './bot/bridge/jambonz-listen.js';
export { OpenAiRealtime, type OpenAiRealtimeEvents, type OpenAiRealtimeOptions } from './bot/bridge/openai-realtime.js';
export { type Control, PcmWebSocket, type PcmWebSocketEvents, type PcmWebSocketOptions } from './bot/bridge/pcm-websocket.js';
export { digitsTool, hangupTool, type Tool, type ToolCall, transferTool } from './bot/bridge/phone-tools.js';
export { TwilioStreams, type TwilioStreamsOptions } from './bot/bridge/twilio-streams.js';
export {
  type AnswerOptions,
  Call,
  type CallEnd,
  type CallState,
  type DtmfDigit,
  type RingOptions,
  type TransferResult,
} from './bot/call.js';
export type { CallEvents, CallMessage, CallStats, TransferProgress } from './bot/call-events.js';
export type { CallHeaders } from './bot/call-facts.js';
export { CallTracer, type CallTracerOptions } from './bot/call-tracer.js';
export { Conference, type ConferenceEvents, type ConferenceOptions } from './bot/conference.js';
export type { DialOptions, MessageOptions } from './bot/dialer.js';
export { EchoBot } from './bot/echo-bot.js';
export type { Gathered, GatherOptions } from './bot/gather.js';
export type { HeaderValues } from './bot/header-values.js';
export type { MarkOutcome } from './bot/mark-events.js';
export type { IncomingMessage } from './bot/messages.js';
export type {
  AccountOptions,
  AudioOptions,
  FrameMs,
  GuardOptions,
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
export { type AzureSpeechOptions, AzureSpeechToText, AzureTextToSpeech, type AzureTextToSpeechOptions } from './bot/speech/azure-speech.js';
export {
  DeepgramSpeechToText,
  type DeepgramSpeechToTextOptions,
  DeepgramTextToSpeech,
  type DeepgramTextToSpeechOptions,
} from './bot/speech/deepgram.js';
export {
  ElevenLabsSpeechToText,
  type ElevenLabsSpeechToTextOptions,
  ElevenLabsTextToSpeech,
  type ElevenLabsTextToSpeechOptions,
} from './bot/speech/elevenlabs.js';
export {
  GoogleSpeechToText,
  type GoogleSpeechToTextOptions,
  GoogleTextToSpeech,
  type GoogleTextToSpeechOptions,
} from './bot/speech/google-speech.js';
export {
  OpenAiSpeechToText,
  type OpenAiSpeechToTextOptions,
  OpenAiTextToSpeech,
  type OpenAiTextToSpeechOptions,
} from './bot/speech/openai-speech.js';
export type { ServiceOptions } from './bot/speech/service.js';
export type { Recognition, RecognitionOptions, SpeechToText, Transcript } from './bot/speech/speech-to-text.js';
export type { SpeakOptions, SpokenChunk, TextToSpeech, WordMark } from './bot/speech/text-to-speech.js';
export { TransferRequest } from './bot/transfer-request.js';
export { trunkPresetNames } from './bot/trunk-presets.js';
export type { Answered, AnsweredBy, AnswerOptions as AnswerDetectorOptions } from './bot/turns/answer-detector.js';
export type { AnswerListener } from './bot/turns/answering.js';
export type { BargeInOptions } from './bot/turns/barge-in.js';
export type { EarOptions, SoundLevel } from './bot/turns/ears.js';
export type { Listened, ListenOptions } from './bot/turns/listening.js';
export { type Filler, type Said, Saying } from './bot/turns/saying.js';
export type { Turn } from './bot/turns/turn-log.js';
export type { AskOptions, SayOptions, SpeechOptions } from './bot/turns/turns.js';
export type { Utterance } from './bot/turns/utterance.js';
export type { CapturedPacket } from './rtp/packet-capture.js';
