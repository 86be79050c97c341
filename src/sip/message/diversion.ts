/** Who sent the call on, and why: Diversion (RFC 5806 §5) and History-Info (RFC 7044 §5, RFC 4244). */
import { parseDigits } from './chars.js';
import { type NameAddr, parseNameAddr } from './name-addr.js';
import { parseReason, type Reason } from './reason.js';

export interface Diversion {
  readonly address: NameAddr;
  /** Lower case: 'user-busy', 'no-answer', 'unconditional', … */
  readonly reason: string | undefined;
  readonly counter: number | undefined;
  /** 'full', 'name', 'uri', 'off' or an extension's. */
  readonly privacy: string | undefined;
}

export interface HistoryEntry {
  readonly address: NameAddr;
  /** '1', '1.1', … */
  readonly index: string | undefined;
  /** What the URI's own Reason header says (RFC 4244 §4.1). */
  readonly reasons: readonly Reason[];
  readonly privacy: string | undefined;
}

export const parseDiversion = (text: string): Diversion | undefined => {
  const address = parseNameAddr(text);
  if (!address) return undefined;
  const { params } = address;
  return {
    address,
    reason: params.get('reason')?.toLowerCase(),
    counter: parseDigits(params.raw('counter') ?? '', 0xffff),
    privacy: params.get('privacy')?.toLowerCase(),
  };
};

export const parseHistoryEntry = (text: string): HistoryEntry | undefined => {
  const address = parseNameAddr(text);
  if (!address) return undefined;
  const { headers } = address.uri;
  const reason = headers.get('Reason');
  return {
    address,
    index: address.params.get('index'),
    reasons: reason === undefined ? [] : [parseReason(reason)].filter((value) => value !== undefined),
    privacy: headers.get('Privacy'),
  };
};
