// How a call ended: why, by whom, with which status and Q.850 cause. Made once, from what this side wanted and what the wire brought.
import type { ErrorCode } from '../errors.js';
import type { SipResponse } from '../sip/message/message.js';
import { writeReason } from '../sip/message/reason.js';
import type { InviteEnd } from '../sip/ua/invite-usage.js';
import { isLocal } from '../sip/ua/local-response.js';
import { causeOfReasons, causeOfStatus, nameOfCause, textOfReasons } from './q850.js';

export type CallEndReason =
  /** One side hung up an answered call. */
  | 'hangup'
  /** A final response from 400 on: ours or theirs. */
  | 'rejected'
  /** The caller gave up before an answer. */
  | 'cancelled'
  /** A 3xx that was not followed. */
  | 'redirected'
  /** Nobody answered in time. */
  | 'noAnswer'
  /** Neither RTP nor RTCP any more. */
  | 'mediaTimeout'
  /** The session was not refreshed (RFC 4028), or an answer never acknowledged. */
  | 'sessionTimeout'
  /** `maxCallMs`. */
  | 'maxDuration'
  /** Another call took its place (RFC 3891). */
  | 'replaced'
  /** It went on elsewhere, by a REFER of ours. */
  | 'transferred'
  /** No way to go on: no media, no transport, a fault. */
  | 'failed';

export interface CallEnd {
  readonly reason: CallEndReason;
  /** 'network' when neither side chose it. */
  readonly by: 'local' | 'remote' | 'network';
  /** The final status of the INVITE; 200 for a call that had been answered. 0 when nothing was ever answered. */
  readonly status: number;
  /** Q.850: what the far end said, else what the status means (RFC 3398). */
  readonly cause: number | undefined;
  /** Words that came or went with it. */
  readonly text?: string;
}

/** What this side meant when it ended the call. */
export interface LocalEnd {
  readonly reason: CallEndReason;
  /** @default 'local' */
  readonly by?: 'local' | 'network';
  readonly status?: number;
  readonly cause?: number;
  readonly text?: string;
}

export interface EndedUsage {
  readonly end: InviteEnd;
  /** That a 2xx had been sent or received. */
  readonly wasAnswered: boolean;
  readonly direction: 'in' | 'out';
  /** True when the final response was made here: 408 of silence, 503 of no transport. */
  readonly isLocalResponse: (response: SipResponse) => boolean;
}

/** `meant` wins: what this side began is told by what it meant, not by how the wire let go. */
export function callEnd({ end, wasAnswered, direction, isLocalResponse }: EndedUsage, meant: LocalEnd | undefined): CallEnd {
  const text = textOfReasons(end.reasons);
  const said = text === undefined ? {} : { text };
  if (meant !== undefined) {
    const status = meant.status ?? (wasAnswered ? 200 : (end.response?.status ?? (direction === 'out' ? 487 : 480)));
    const words = meant.text === undefined ? said : { text: meant.text };
    return { reason: meant.reason, by: meant.by ?? 'local', status, cause: meant.cause ?? causeOfStatus(status) ?? 16, ...words };
  }
  const { response } = end;
  const cause = causeOfReasons(end.reasons);
  switch (end.by) {
    case 'local':
      return { reason: wasAnswered ? 'hangup' : 'cancelled', by: 'local', status: wasAnswered ? 200 : 487, cause: cause ?? 16, ...said };
    case 'cancel':
      return { reason: 'cancelled', by: 'remote', status: 487, cause: cause ?? 16, ...said };
    case 'replaced':
      return { reason: 'replaced', by: 'remote', status: wasAnswered ? 200 : 487, cause: cause ?? 16, ...said };
    case 'timeout':
    case 'transport': {
      if (wasAnswered) {
        const reason = end.by === 'timeout' ? 'sessionTimeout' : 'failed';
        return { reason, by: 'network', status: 200, cause: cause ?? (end.by === 'timeout' ? 102 : 41), ...said };
      }
      const status = response?.status ?? (end.by === 'timeout' ? 408 : 503);
      // A name that leads nowhere (404 of our own) is no callee who did not answer.
      const reason = status === 408 ? 'noAnswer' : 'failed';
      const words = text ?? (response !== undefined && isLocal(response) ? response.why : undefined);
      return { reason, by: 'network', status, cause: cause ?? causeOfStatus(status), ...(words === undefined ? {} : { text: words }) };
    }
    case 'remote': {
      if (response === undefined) {
        // A BYE; before the answer it is a caller who gave up in an unusual way.
        const status = wasAnswered ? 200 : 487;
        return { reason: wasAnswered ? 'hangup' : 'cancelled', by: 'remote', status, cause: cause ?? 16, ...said };
      }
      const { status } = response;
      const reason = status < 400 ? 'redirected' : status === 408 && isLocalResponse(response) ? 'noAnswer' : 'rejected';
      const by = isLocalResponse(response) ? 'network' : 'remote';
      return { reason, by, status, cause: cause ?? causeOfStatus(status), text: text ?? response.reason };
    }
  }
}

/** RFC 3326: what goes into the BYE or CANCEL. */
export function reasonHeaderOf(meant: LocalEnd): string {
  const cause = meant.cause ?? causeOfStatus(meant.status ?? 200) ?? 16;
  // Only what everybody knows: our own words may tell too much.
  return writeReason({ protocol: 'Q.850', cause, text: nameOfCause(cause) });
}

/** Of a call that was never answered. */
export function errorCodeOf(reason: CallEndReason): ErrorCode {
  switch (reason) {
    case 'cancelled':
      return 'ERR_CALL_CANCELLED';
    case 'noAnswer':
      return 'ERR_CALL_TIMEOUT';
    case 'rejected':
    case 'redirected':
      return 'ERR_CALL_REJECTED';
    default:
      return 'ERR_CALL_FAILED';
  }
}
