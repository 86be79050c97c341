/** Accept-Contact and Reject-Contact, RFC 3841 §9.2: `*;audio;methods="INVITE";require;explicit`. */
import type { Params } from './params.js';
import { parseValued } from './valued.js';

export interface FeatureSet {
  readonly params: Params;
  readonly require: boolean;
  readonly explicit: boolean;
}

export const parseFeatureSet = (text: string): FeatureSet | undefined => {
  const valued = parseValued(text);
  if (valued?.word !== '*') return undefined;
  return { params: valued.params, require: valued.params.has('require'), explicit: valued.params.has('explicit') };
};
