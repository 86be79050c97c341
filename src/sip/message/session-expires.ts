/** Session-Expires and Min-SE, RFC 4028 §4, §5. */
import { parseDigits } from './chars.js';
import { parseValued } from './valued.js';

export interface SessionExpires {
  readonly seconds: number;
  readonly refresher: 'uac' | 'uas' | undefined;
}

export const parseSessionExpires = (text: string): SessionExpires | undefined => {
  const valued = parseValued(text);
  const seconds = valued && parseDigits(valued.word, 0xffffffff);
  if (seconds === undefined) return undefined;
  const refresher = valued?.params.get('refresher')?.toLowerCase();
  return { seconds, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined };
};

export const writeSessionExpires = ({ seconds, refresher }: SessionExpires): string =>
  refresher ? `${seconds};refresher=${refresher}` : `${seconds}`;

export const parseMinSe = (text: string): number | undefined => parseDigits(parseValued(text)?.word ?? '', 0xffffffff);
