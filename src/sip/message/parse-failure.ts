/** Why bytes are no message, and what a server needs to answer 400 all the same: RFC 3261 §8.2.6, §21.4.1. */
import { headerName } from './header-name.js';

export interface ParseFailure {
  /** What was wrong. */
  readonly failure: string;
  /** What to answer a request: 400, or 505 for another SIP version, 513 for what is too large. */
  readonly status: 400 | 505 | 513;
  readonly kind: 'request' | 'response' | undefined;
  readonly method: string | undefined;
  /** Texts as they came, as far as they could be read. */
  readonly vias: readonly string[];
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly callId: string | undefined;
  readonly cseq: string | undefined;
}

const failures = new WeakSet<object>();

export const isParseFailure = (value: unknown): value is ParseFailure => typeof value === 'object' && value !== null && failures.has(value);

/** Only so much of a broken message is looked through. */
const MAX_LINES = 128;
const MAX_LENGTH = 16_384;

const kept = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map(headerName);

/** Reads what can be read of `text`, line by line, and leaves out what cannot. */
export const makeFailure = (failure: string, text: string, status: ParseFailure['status'] = 400): ParseFailure => {
  const lines = text.slice(0, MAX_LENGTH).split(/\r?\n/, MAX_LINES);
  const start = lines[0] ?? '';
  const kind = /^SIP\/\d/i.test(start) ? 'response' : /\bSIP\/\d+\.\d+\s*$/i.test(start.slice(-40)) ? 'request' : undefined;
  const found: Record<string, string[]> = { Via: [], From: [], To: [], 'Call-ID': [], CSeq: [] };
  let last: string[] | undefined;
  for (const line of lines.slice(1)) {
    if (line === '') break;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (last && last.length > 0) last[last.length - 1] += ` ${line.trim()}`;
      continue;
    }
    const colon = line.indexOf(':');
    const written = line.slice(0, Math.max(colon, 0)).trim();
    const header = written.length > 10 ? undefined : headerName(written);
    last = header && kept.includes(header) ? found[header.name] : undefined;
    last?.push(line.slice(colon + 1).trim());
  }
  const safe = (values: string[] | undefined): string[] => (values ?? []).filter((value) => value !== '' && !/[\r\0]/.test(value));
  const result: ParseFailure = {
    failure,
    status,
    kind,
    method: kind === 'request' ? /^[^\s]{1,64}(?=\s)/.exec(start)?.[0] : undefined,
    vias: safe(found['Via']),
    from: safe(found['From'])[0],
    to: safe(found['To'])[0],
    callId: safe(found['Call-ID'])[0],
    cseq: safe(found['CSeq'])[0],
  };
  failures.add(result);
  return result;
};
