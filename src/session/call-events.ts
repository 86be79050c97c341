// What a call tells while it lasts.
import type { DtmfDigit } from '../codec/dtmf-keypad.js';
import type { MediaStream } from '../rtp/media-stream.js';
import type { CallEnd } from './call-end.js';
import type { Side } from './call-state.js';
import type { DtmfWay } from './dtmf-relay.js';
import type { AgreedFormat } from './formats.js';
import type { TransferRequest } from './transfer-request.js';

export interface CallMessage {
  readonly contentType: string;
  readonly text: string;
  readonly body: Uint8Array;
}

export interface CallSessionEvents {
  /** Its media is open: where audio is heard and said. Before anything flows. */
  stream: [stream: MediaStream];
  /** What we send; again when it changes. */
  codec: [format: AgreedFormat];
  ringing: [];
  early: [];
  answered: [];
  held: [hold: { readonly by: Side }];
  resumed: [hold: { readonly by: Side }];
  dtmf: [digit: DtmfDigit, press: { readonly durationMs: number; readonly via: DtmfWay }];
  message: [message: CallMessage];
  /** An INFO that is no key (RFC 6086 §4: no package). Without a listener it is refused: 415. */
  info: [message: CallMessage];
  transferRequest: [request: TransferRequest];
  transferProgress: [progress: { readonly status: number; readonly reason: string }];
  /** Exactly once, and always the last. */
  ended: [end: CallEnd];
}
