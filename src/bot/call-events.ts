/** What one call tells an application: its events, and its figures. */
import type { DtmfDigit } from '../codec/dtmf-keypad.js';
import type { Departure } from '../rtp/media-stream.js';
import type { StreamStats } from '../rtp/stream-stats.js';
import type { CallEnd } from '../session/call-end.js';
import type { TransferRequest } from './transfer-request.js';
import type { Turn } from './turns/turn-log.js';
import type { Utterance } from './turns/utterance.js';

export interface TransferProgress {
  readonly status: number;
  readonly reason: string;
}

export interface CallMessage {
  readonly contentType: string;
  readonly text: string;
  readonly method: 'MESSAGE' | 'INFO';
}

export interface CallStats extends StreamStats {
  /** How late packets left: of all calls that share the media thread, since it began. */
  readonly departure: Departure;
}

export interface CallEvents {
  ringing: [];
  early: [];
  answered: [];
  /** One for each key, whichever way it came. */
  dtmf: [digit: DtmfDigit];
  held: [hold: { readonly by: 'local' | 'remote' }];
  resumed: [hold: { readonly by: 'local' | 'remote' }];
  transferRequest: [request: TransferRequest];
  transferProgress: [progress: TransferProgress];
  /** Text within the call, and what applications say to each other by INFO: which is refused (415) while nobody listens. */
  message: [message: CallMessage];
  /** Longer than a cough. `timeMs`, when it began, is media time, as in AudioFrame. */
  speechStart: [speech: { readonly timeMs: number }];
  /** The caller's turn is over; `utterance` is what was said, without the silence around it. */
  speechEnd: [speech: { readonly timeMs: number; readonly durationMs: number; readonly utterance: Utterance }];
  /** Both sides have said nothing for so long; again each time that passes. */
  silence: [silence: { readonly durationMs: number }];
  /** Of the conversation that `say` and `listen` make: each turn when it is over. */
  turn: [turn: Turn];
  /** Exactly once, and always the last. */
  ended: [end: CallEnd];
}
