/**
 * Parameters: `;name=value;flag` of a header (RFC 3261 §25.1 generic-param) or of a URI (§19.1.1), and the headers of a URI (`?a=b&c=d`).
 * Immutable. Values are held as written; `get` undoes quotes or %-escapes, `with` puts on what is needed.
 */
import { is, isAll, isSpace, isToken, TOKEN, URI_PARAM, VALUE } from './chars.js';
import { escapeUri, unescapeUri } from './percent.js';
import { endOfQuoted, quote, unquote } from './quoted.js';
import { assertFieldText } from './text.js';

export type ParamStyle = 'header' | 'uri' | 'query';

/** A name and its value as written; undefined for a flag. */
export type ParamEntry = readonly [name: string, raw: string | undefined];

export class Params {
  static readonly none = new Params([], 'header');
  static readonly noneUri = new Params([], 'uri');
  static readonly noneQuery = new Params([], 'query');

  readonly entries: readonly ParamEntry[];
  readonly #style: ParamStyle;

  constructor(entries: readonly ParamEntry[], style: ParamStyle = 'header') {
    this.entries = entries;
    this.#style = style;
  }

  /** From names and plain values; `true` makes a flag. */
  static of(values: Readonly<Record<string, string | number | true>>, style: ParamStyle = 'header'): Params {
    let params = new Params([], style);
    for (const [name, value] of Object.entries(values)) params = params.with(name, typeof value === 'number' ? `${value}` : value);
    return params;
  }

  get size(): number {
    return this.entries.length;
  }

  /** The value, unquoted or unescaped; '' for a flag; undefined when there is no such parameter. Names in any case. */
  get(name: string): string | undefined {
    const raw = this.raw(name);
    if (raw === undefined) return this.has(name) ? '' : undefined;
    return this.#style === 'header' ? unquote(raw) : unescapeUri(raw);
  }

  /** The value as written. */
  raw(name: string): string | undefined {
    const entries = this.entries;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (sameName(entry[0], name)) return entry[1];
    }
    return undefined;
  }

  has(name: string): boolean {
    const entries = this.entries;
    for (let i = 0; i < entries.length; i++) if (sameName(entries[i]![0], name)) return true;
    return false;
  }

  /** Sets the value in its place, or appends it. */
  with(name: string, value: string | true): Params {
    assertFieldText(`parameter ${name}`, name + (value === true ? '' : value));
    const entry: ParamEntry = [
      this.#style === 'header' ? name : escapeUri(name, URI_PARAM),
      value === true ? undefined : this.#written(value),
    ];
    const at = this.entries.findIndex(([other]) => sameName(other, name));
    return new Params(at === -1 ? [...this.entries, entry] : this.entries.map((old, i) => (i === at ? entry : old)), this.#style);
  }

  without(name: string): Params {
    return this.has(name)
      ? new Params(
          this.entries.filter(([other]) => !sameName(other, name)),
          this.#style,
        )
      : this;
  }

  #written(value: string): string {
    if (this.#style !== 'header') return escapeUri(value, URI_PARAM);
    return isAll(value, TOKEN) || isAddress(value) ? value : quote(value);
  }

  /** As it stands in the message, with its leading separator; '' when empty. */
  toString(): string {
    const entries = this.entries;
    const query = this.#style === 'query';
    let text = '';
    for (let i = 0; i < entries.length; i++) {
      const [name, raw] = entries[i]!;
      text += query ? (i === 0 ? '?' : '&') : ';';
      text += raw === undefined ? name : `${name}=${raw}`;
    }
    return text;
  }
}

/** token / host / quoted-string: an address needs no quotes. */
const isAddress = (value: string): boolean => /^[0-9a-f.]*:?[0-9a-f:.[\]]+$/i.test(value);

const sameName = (a: string, b: string): boolean => a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase());

/** Reads `;name=value` from `from` to the end of the text; undefined when it is malformed. Blanks are allowed around `;` and `=`. */
export const parseParams = (text: string, from = 0): Params | undefined => {
  const end = text.length;
  let at = skipSpace(text, from);
  if (at === end) return Params.none;
  const entries: ParamEntry[] = [];
  while (at < end) {
    if (text.charCodeAt(at) !== 59) return undefined;
    at = skipSpace(text, at + 1);
    const nameFrom = at;
    while (at < end && is(text.charCodeAt(at), TOKEN)) at++;
    if (at === nameFrom) {
      if (at === end || text.charCodeAt(at) === 59) continue; // `;;` and a trailing `;` are sent, and mean nothing
      return undefined;
    }
    const name = text.slice(nameFrom, at);
    at = skipSpace(text, at);
    if (at === end || text.charCodeAt(at) !== 61) {
      entries.push([name, undefined]);
      continue;
    }
    const valueFrom = skipSpace(text, at + 1);
    if (text.charCodeAt(valueFrom) === 34) {
      at = endOfQuoted(text, valueFrom);
      if (at === -1) return undefined;
    } else {
      at = valueFrom;
      while (at < end && isValueChar(text.charCodeAt(at))) at++;
    }
    entries.push([name, text.slice(valueFrom, at)]);
    at = skipSpace(text, at);
  }
  return new Params(entries);
};

const isValueChar = (code: number): boolean => code > 127 || is(code, VALUE);

const skipSpace = (text: string, at: number): number => {
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
};

/** Reads `;name=value` or, for 'query', `?name=value&…` of a URI; undefined when it holds what may not stand there. */
export const parseUriParams = (text: string, style: 'uri' | 'query'): Params | undefined => {
  if (text === '') return style === 'uri' ? Params.noneUri : Params.noneQuery;
  const entries: ParamEntry[] = [];
  const separator = style === 'uri' ? 59 : 38;
  let at = 1;
  for (;;) {
    const nameFrom = at;
    let equals = -1;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code === separator) break;
      if (code === 61 && equals === -1) equals = at;
      else if (code !== 61 && !is(code, URI_PARAM) && (code < 128 || code === 127)) return undefined;
      at++;
    }
    if (at > nameFrom) {
      if (equals === nameFrom) return undefined;
      entries.push(equals === -1 ? [text.slice(nameFrom, at), undefined] : [text.slice(nameFrom, equals), text.slice(equals + 1, at)]);
    }
    if (at >= text.length) return new Params(entries, style);
    at++;
  }
};

export const isParamName = isToken;
