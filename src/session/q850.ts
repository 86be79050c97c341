// Q.850 causes: what the telephone network calls the ends of calls that SIP has statuses for (RFC 3398 §8.2.6.1), and what they are called (RFC 3326).
import type { Reason } from '../sip/message/reason.js';

/** RFC 3398 §8.2.6.1. 487 has none there; it ends as a caller who hung up. */
const CAUSE_OF_STATUS: Readonly<Record<number, number>> = {
  400: 41,
  401: 21,
  402: 21,
  403: 21,
  404: 1,
  405: 63,
  406: 79,
  407: 21,
  408: 102,
  410: 22,
  413: 127,
  414: 127,
  415: 79,
  416: 127,
  420: 127,
  421: 127,
  423: 127,
  480: 18,
  481: 41,
  482: 25,
  483: 25,
  484: 28,
  485: 1,
  486: 17,
  487: 16,
  488: 65,
  500: 41,
  501: 79,
  502: 38,
  503: 41,
  504: 102,
  505: 127,
  513: 127,
  580: 47,
  600: 17,
  603: 21,
  604: 1,
  606: 65,
};

const NAMES: Readonly<Record<number, string>> = {
  1: 'Unallocated number',
  2: 'No route to network',
  3: 'No route to destination',
  16: 'Normal call clearing',
  17: 'User busy',
  18: 'No user responding',
  19: 'No answer from user',
  20: 'Subscriber absent',
  21: 'Call rejected',
  22: 'Number changed',
  25: 'Exchange routing error',
  26: 'Non-selected user clearing',
  27: 'Destination out of order',
  28: 'Invalid number format',
  29: 'Facility rejected',
  31: 'Normal, unspecified',
  34: 'No circuit available',
  38: 'Network out of order',
  41: 'Temporary failure',
  42: 'Switching equipment congestion',
  43: 'Access information discarded',
  44: 'Requested circuit not available',
  47: 'Resource unavailable',
  50: 'Requested facility not subscribed',
  55: 'Incoming calls barred',
  57: 'Bearer capability not authorized',
  58: 'Bearer capability not available',
  63: 'Service not available',
  65: 'Bearer capability not implemented',
  79: 'Service not implemented',
  88: 'Incompatible destination',
  102: 'Recovery on timer expiry',
  111: 'Protocol error',
  127: 'Interworking',
};

/** The cause that a final status means; undefined for success and for what is not in the table. */
export function causeOfStatus(status: number): number | undefined {
  return CAUSE_OF_STATUS[status];
}

export function nameOfCause(cause: number): string | undefined {
  return NAMES[cause];
}

/** What the Reason headers of a BYE, CANCEL or response say: Q.850 first, else what their SIP status means. */
export function causeOfReasons(reasons: readonly Reason[]): number | undefined {
  const isdn = reasons.find((reason) => reason.protocol.toUpperCase() === 'Q.850' && reason.cause !== undefined);
  // Zero is none of Q.850's: what a PBX writes that has no cause to give.
  if (isdn?.cause !== undefined) return isdn.cause >= 1 && isdn.cause <= 127 ? isdn.cause : undefined;
  const sip = reasons.find((reason) => reason.protocol.toUpperCase() === 'SIP' && reason.cause !== undefined);
  // RFC 3326 §2: a CANCEL with SIP;cause=200, the call was completed elsewhere.
  return sip?.cause === undefined ? undefined : sip.cause === 200 ? 26 : causeOfStatus(sip.cause);
}

/** The words of the far end, where it sent some. */
export function textOfReasons(reasons: readonly Reason[]): string | undefined {
  return reasons.find((reason) => reason.text !== undefined && reason.text !== '')?.text;
}
