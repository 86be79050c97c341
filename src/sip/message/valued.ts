/** A word with parameters, `word;name=value`: the form that many headers share. RFC 3261 §25.1. */
import { Params, parseParams } from './params.js';

export interface Valued {
  readonly word: string;
  readonly params: Params;
}

/** Undefined when the word is empty or a parameter is malformed. */
export const parseValued = (text: string): Valued | undefined => {
  const semicolon = text.indexOf(';');
  if (semicolon === -1) return text === '' ? undefined : { word: text, params: Params.none };
  const word = text.slice(0, semicolon).trim();
  const params = parseParams(text, semicolon);
  return params && word !== '' ? { word, params } : undefined;
};
