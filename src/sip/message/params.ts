/**
 * Parameters: `;name=value;flag` of a header (RFC 3261 §25.1 generic-param) or of a URI (§19.1.1), and the headers of a URI (`?a=b&c=d`).
 * Immutable. What was read is checked at once but cut into strings only when asked for. `get` undoes quotes or %-escapes, `with` puts on what is needed.
 */
import { codeAt, is, isAll, skipAll, skipSpace, TOKEN, URI_PARAM, VALUE } from './chars.js';
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

  readonly #style: ParamStyle;
  #entries: readonly ParamEntry[] | undefined;
  /** Until somebody wants the entries: the text, of the plain sort, from the first separator to its end. */
  readonly #text: string;

  constructor(entries: readonly ParamEntry[] | string, style: ParamStyle = 'header') {
    this.#style = style;
    this.#entries = typeof entries === 'string' ? undefined : entries;
    this.#text = typeof entries === 'string' ? entries : '';
  }

  /** From names and plain values; `true` makes a flag. */
  static of(values: Readonly<Record<string, string | number | true>>, style: ParamStyle = 'header'): Params {
    let params = new Params([], style);
    for (const [name, value] of Object.entries(values)) params = params.with(name, typeof value === 'number' ? `${value}` : value);
    return params;
  }

  /** Names and values as written, in order. */
  get entries(): readonly ParamEntry[] {
    this.#entries ??= cutPlain(this.#text, this.#style);
    return this.#entries;
  }

  get size(): number {
    return this.entries.length;
  }

  /** The value, unquoted or unescaped; '' for a flag; undefined when there is no such parameter. Names in any case. */
  get(name: string): string | undefined {
    const raw = this.#find(name);
    if (raw === undefined || raw === null) return raw === null ? '' : undefined;
    return this.#style === 'header' ? unquote(raw) : unescapeUri(raw);
  }

  /** The value as written; undefined for a flag. */
  raw(name: string): string | undefined {
    return this.#find(name) ?? undefined;
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** The value as written, null for a flag, undefined when there is none. */
  #find(name: string): string | null | undefined {
    if (this.#entries === undefined && this.#style === 'header') return findPlain(this.#text, name);
    for (const [written, raw] of this.entries) if (this.#isSame(written, name)) return raw ?? null;
    return undefined;
  }

  /** §19.1.2: in a URI an escaped name is the same name. */
  #isSame(written: string, name: string): boolean {
    const plain = this.#style === 'header' || written.indexOf('%') === -1 ? written : unescapeUri(written);
    return plain === name || (plain.length === name.length && plain.toLowerCase() === name.toLowerCase());
  }

  /** Sets the value in its place, or appends it. */
  with(name: string, value: string | true): Params {
    assertFieldText(`parameter ${name}`, value === true ? name : name + value);
    const entry: ParamEntry = [
      this.#style === 'header' ? name : escapeUri(name, URI_PARAM),
      value === true ? undefined : this.#written(value),
    ];
    const entries = this.entries;
    const index = entries.findIndex(([written]) => this.#isSame(written, name));
    return new Params(index === -1 ? [...entries, entry] : entries.map((old, i) => (i === index ? entry : old)), this.#style);
  }

  without(name: string): Params {
    if (!this.has(name)) return this;
    return new Params(
      this.entries.filter(([written]) => !this.#isSame(written, name)),
      this.#style,
    );
  }

  #written(value: string): string {
    if (this.#style !== 'header') return escapeUri(value, URI_PARAM);
    return isAll(value, TOKEN) || isAddress(value) ? value : quote(value);
  }

  /** As it stands in the message, with its leading separator; '' when empty. */
  toString(): string {
    if (this.#entries === undefined) return this.#text;
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

/** token / host / quoted-string (§25.1 gen-value): an address needs no quotes. */
const isAddress = (value: string): boolean => /^[0-9a-f.]*:?[0-9a-f:.]+$/i.test(value) || /^\[[0-9a-f:.]+\]$/i.test(value);

const isSameAt = (text: string, from: number, name: string): boolean => {
  for (let i = 0; i < name.length; i++) {
    const a = text.charCodeAt(from + i);
    const b = name.charCodeAt(i);
    // Only letters have a case.
    if (a !== b && ((a | 32) !== (b | 32) || (b | 32) < 97 || (b | 32) > 122)) return false;
  }
  return true;
};

/** `;token=value;token`, without blanks, quotes and escapes: most parameters are of this sort, and need no cutting to be known as good. */
const plainHeader = /(?:;[\w\-.!%*+`'~]+(?:=[!#-+\-./0-:=?-~]+)?)*$/y;
const plainUri = /(?:;[\w\-.!~*'()[\]/:&+$]+(?:=[\w\-.!~*'()[\]/:&+$]*)?)*$/y;

const isPlain = (text: string, from: number, form: RegExp): boolean => {
  form.lastIndex = from;
  return form.test(text);
};

/** Walks plain parameters of a header from `;` to `;`. */
const findPlain = (text: string, name: string): string | null | undefined => {
  for (let at = 0; at < text.length; ) {
    const from = at + 1;
    const to = from + name.length;
    const next = text.indexOf(';', from);
    at = next === -1 ? text.length : next;
    if (to <= at && isSameAt(text, from, name)) {
      if (to === at) return null;
      if (text.charCodeAt(to) === 61) return text.slice(to + 1, at);
    }
  }
  return undefined;
};

const cutPlain = (text: string, style: ParamStyle): ParamEntry[] => {
  const entries: ParamEntry[] = [];
  const separator = style === 'query' ? '&' : ';';
  for (let at = 0; at < text.length; ) {
    const from = at + 1;
    const next = text.indexOf(separator, from);
    at = next === -1 ? text.length : next;
    const equals = text.indexOf('=', from);
    entries.push(equals === -1 || equals > at ? [text.slice(from, at), undefined] : [text.slice(from, equals), text.slice(equals + 1, at)]);
  }
  return entries;
};

/** Reads `;name=value` from `from` to the end of the text; undefined when it is malformed. Blanks are allowed around `;` and `=`. */
export const parseParams = (text: string, from = 0): Params | undefined => {
  if (from === text.length) return Params.none;
  return isPlain(text, from, plainHeader) ? new Params(text.slice(from)) : parseLoose(text, from);
};

const parseLoose = (text: string, from: number): Params | undefined => {
  const end = text.length;
  let at = skipSpace(text, from);
  if (at === end) return Params.none;
  const entries: ParamEntry[] = [];
  while (at < end) {
    if (text.charCodeAt(at) !== 59) return undefined;
    at = skipSpace(text, at + 1);
    const nameFrom = at;
    at = skipAll(text, at, TOKEN);
    // Deviation: a `;` with nothing behind it is sent by some, and means nothing. Two of them are a broken header (RFC 4475 §3.1.2.1).
    if (at === nameFrom) return at === end && entries.length > 0 ? new Params(entries) : undefined;
    const name = text.slice(nameFrom, at);
    at = skipSpace(text, at);
    if (codeAt(text, at) !== 61) {
      entries.push([name, undefined]);
      continue;
    }
    const valueFrom = skipSpace(text, at + 1);
    at = valueFrom;
    if (codeAt(text, at) === 34) {
      at = endOfQuoted(text, valueFrom);
      if (at === -1) return undefined;
    } else {
      while (at < end && isValueChar(text.charCodeAt(at))) at++;
    }
    entries.push([name, text.slice(valueFrom, at)]);
    at = skipSpace(text, at);
  }
  return new Params(entries);
};

const isValueChar = (code: number): boolean => code > 127 || is(code, VALUE);

/** Reads `;name=value` of a URI from `from` to `end`, or for 'query' `?name=value&…`; undefined when it holds what may not stand there. */
export const parseUriParams = (text: string, style: 'uri' | 'query', from: number, end: number): Params | undefined => {
  if (from === end) return style === 'uri' ? Params.noneUri : Params.noneQuery;
  if (style === 'uri' && end === text.length && isPlain(text, from, plainUri)) return new Params(text.slice(from), 'uri');
  const entries: ParamEntry[] = [];
  const separator = style === 'uri' ? 59 : 38;
  let at = from + 1;
  for (;;) {
    const nameFrom = at;
    let equals = -1;
    while (at < end) {
      const code = text.charCodeAt(at);
      if (code === separator) break;
      if (code === 61) equals = equals === -1 ? at : equals;
      else if (!is(code, URI_PARAM) && (code < 128 || code === 127)) return undefined;
      at++;
    }
    if (at > nameFrom) {
      if (equals === nameFrom) return undefined;
      entries.push(equals === -1 ? [text.slice(nameFrom, at), undefined] : [text.slice(nameFrom, equals), text.slice(equals + 1, at)]);
    }
    if (at >= end) return new Params(entries, style);
    at++;
  }
};
