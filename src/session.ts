/** `sipbot/session`: what a call agrees on, as pure functions over RFC 3264 and RFC 8866. */
export type { Capabilities, SrtpMode } from './session/capabilities.js';
export type { AgreedFormat } from './session/formats.js';
export type { AgreedMedia, Agreement, Answer, Offer, Refusal } from './session/offer-answer.js';
export { answer, applyAnswer, isRefusal, offer } from './session/offer-answer.js';
export type { Direction, MediaDescription, Origin, RtpFormat, SdpFailure, SessionDescription } from './session/sdp.js';
export { isSdpFailure, parseSdp, writeSdp } from './session/sdp.js';
