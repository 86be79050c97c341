/** `sipbot/session`: a call, its signalling and its media joined; and what two sides agree on, as pure functions (RFC 3264, RFC 8866). */

export type { AgreedMedia, Agreement, Refusal } from './session/agreement.js';
export { isRefusal } from './session/agreement.js';
export { type Bridge, type BridgeOptions, bridgeCalls } from './session/bridge.js';
export type { CallEnd, CallEndReason } from './session/call-end.js';
export type { CallMessage, CallSessionEvents } from './session/call-events.js';
export type { SendDtmfOptions } from './session/call-keys.js';
export type { HangupOptions } from './session/call-life.js';
export type { CallContext, CallOptions } from './session/call-options.js';
export { CallSession } from './session/call-session.js';
export type { CallState, Side } from './session/call-state.js';
export type { Capabilities, SrtpMode } from './session/capabilities.js';
export type { DtmfWay } from './session/dtmf-relay.js';
export type { AgreedFormat } from './session/formats.js';
export type { AnswerOptions, ProgressOptions } from './session/incoming-leg.js';
export type { Answer, Offer } from './session/offer-answer.js';
export { answer, applyAnswer, offer } from './session/offer-answer.js';
export type { DialTarget } from './session/outgoing-leg.js';
export { causeOfStatus, nameOfCause } from './session/q850.js';
export type { Direction, MediaDescription, Origin, RtpFormat, SdpFailure, SessionDescription } from './session/sdp.js';
export { isSdpFailure, parseSdp } from './session/sdp.js';
export { writeSdp } from './session/sdp-writer.js';
export type { TransferOptions, TransferResult } from './session/transfer.js';
export type { ReferredCall, TransferKind, TransferRequest } from './session/transfer-request.js';
