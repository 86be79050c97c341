/** `message/sipfrag` as the refer package uses it (RFC 3420, RFC 3515 §2.4.5): a status line, perhaps some headers behind it. */

export interface Fragment {
  readonly status: number;
  readonly reason: string;
}

/** Undefined when the body does not begin with a status line. Only the first line is read, whatever the body's length. */
export function parseFragment(body: string): Fragment | undefined {
  const match = /^SIP\/2\.0[ \t]+([1-6]\d\d)(?!\d)(?:[ \t]+([^\r\n]{0,200}))?/i.exec(body.slice(0, 256));
  return match ? { status: Number(match[1]), reason: match[2]?.trim() ?? '' } : undefined;
}

export function writeFragment(fragment: Fragment): string {
  return `SIP/2.0 ${fragment.status} ${fragment.reason.replace(/[\r\n\0]/g, ' ')}\r\n`;
}
