/** Headers that name a dialog: Replaces (RFC 3891 §6.1), Join (RFC 3911 §7.1), Target-Dialog (RFC 4538 §7). */
import type { Params } from './params.js';
import { parseValued } from './valued.js';

/** Tags are as the sender of Replaces sees them: `toTag` is the tag of the one who receives it. */
export interface DialogReference {
  readonly callId: string;
  readonly toTag: string;
  readonly fromTag: string;
  readonly params: Params;
}

export interface Replaces extends DialogReference {
  /** Only an early dialog may be replaced. */
  readonly earlyOnly: boolean;
}

/** Replaces and Join: both tags are required, each once. */
export const parseReplaces = (text: string): Replaces | undefined => {
  const found = parseTagged(text, 'to-tag', 'from-tag');
  return found && { ...found, earlyOnly: found.params.has('early-only') };
};

export const parseJoin = (text: string): DialogReference | undefined => parseTagged(text, 'to-tag', 'from-tag');

/** RFC 4538 names the tags from the sender's side: local-tag is the sender's own. */
export const parseTargetDialog = (text: string): DialogReference | undefined => parseTagged(text, 'remote-tag', 'local-tag');

export const writeReplaces = (dialog: {
  readonly callId: string;
  readonly toTag: string;
  readonly fromTag: string;
  readonly earlyOnly?: boolean;
}): string => `${dialog.callId};to-tag=${dialog.toTag};from-tag=${dialog.fromTag}${dialog.earlyOnly ? ';early-only' : ''}`;

const parseTagged = (text: string, to: string, from: string): DialogReference | undefined => {
  const valued = parseValued(text);
  const toTag = valued?.params.raw(to);
  const fromTag = valued?.params.raw(from);
  if (!valued || !toTag || !fromTag || /\s/.test(valued.word)) return undefined;
  return { callId: valued.word, toTag, fromTag, params: valued.params };
};
