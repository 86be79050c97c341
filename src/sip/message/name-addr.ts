/** A name and where to find it: From, To, Contact, Route and their kin, RFC 3261 §20.10, §25.1 name-addr / addr-spec. Immutable. */
import { codeAt, isToken, skipSpace } from './chars.js';
import { Params, parseParams } from './params.js';
import { endOfQuoted, quote, unquote } from './quoted.js';
import { assertFieldText } from './text.js';
import { asUri, readUri, type Uri } from './uri.js';

export class NameAddr {
  /** Unquoted. */
  readonly displayName: string | undefined;
  readonly params: Params;
  /** Text of a URI that is known to be one, until it is asked for. */
  #uri: Uri | string;
  readonly #text: string | undefined;

  /** `text` is given by the parser alone: then the URI may be text that has been looked at. */
  constructor(uri: Uri | string, displayName?: string, params: Params = Params.none, text?: string) {
    if (text === undefined && displayName !== undefined) assertFieldText('displayName', displayName);
    this.displayName = displayName;
    this.params = params;
    this.#uri = text === undefined ? asUri(uri) : uri;
    this.#text = text;
  }

  get uri(): Uri {
    if (typeof this.#uri === 'string') this.#uri = asUri(this.#uri);
    return this.#uri;
  }

  /** The URI as written. */
  get uriText(): string {
    return typeof this.#uri === 'string' ? this.#uri : this.#uri.toString();
  }

  get tag(): string | undefined {
    return this.params.raw('tag');
  }

  withUri(uri: Uri): NameAddr {
    return new NameAddr(uri, this.displayName, this.params);
  }

  withDisplayName(displayName: string | undefined): NameAddr {
    return new NameAddr(this.uri, displayName, this.params);
  }

  withParams(params: Params): NameAddr {
    return new NameAddr(this.uri, this.displayName, params);
  }

  withParam(name: string, value: string | true): NameAddr {
    return this.withParams(this.params.with(name, value));
  }

  withTag(tag: string): NameAddr {
    return this.withParam('tag', tag);
  }

  withoutTag(): NameAddr {
    return this.withParams(this.params.without('tag'));
  }

  /** As it came, or as §25.1 wants it; always with brackets, so that no parameter changes its owner (§20.10). */
  toString(): string {
    return this.#text ?? `${writeDisplayName(this.displayName)}<${this.uriText}>${this.params}`;
  }
}

const writeDisplayName = (name: string | undefined): string => {
  if (name === undefined || name === '') return '';
  return name.split(' ').every(isToken) ? `${name} ` : `${quote(name)} `;
};

/** A name or none, a SIP URI in brackets without escapes, plain parameters: nearly all that is met, read in one go. The rest is read with patience. */
const plain =
  /^(?:"([^"\\]*)"[ \t]*|([\w\-.!%*+`'~ ]*))<(sips?:(?:[\w\-.!~*'()&=+$,;?/#]+@)?[\w\-.]+(?::[0-5]?\d{1,4})?(?:;[\w\-.!~*'()[\]/:&+$]+(?:=[\w\-.!~*'()[\]/:&+$]*)?)*)>((?:;[\w\-.!%*+`'~]+(?:=[!#-+\-./0-:=?-~]+)?)*)$/;

/** One name-addr or addr-spec with its parameters; undefined when it is malformed. */
export const parseNameAddr = (text: string): NameAddr | undefined => {
  const found = plain.exec(text);
  if (found === null) return parseLoose(text);
  const params = found[4]!;
  return new NameAddr(found[3]!, found[1] ?? (found[2]!.trim() || undefined), params === '' ? Params.none : new Params(params), text);
};

const parseLoose = (text: string): NameAddr | undefined => {
  if (text.indexOf(':') === -1) return undefined;
  let displayName: string | undefined;
  let open: number;
  if (codeAt(text, 0) === 34) {
    const close = endOfQuoted(text, 0);
    if (close === -1) return undefined;
    displayName = unquote(text.slice(0, close));
    open = skipSpace(text, close);
    if (codeAt(text, open) !== 60) return undefined;
  } else {
    open = text.indexOf('<');
    if (open > 0) {
      const name = text.slice(0, open).trim();
      // A bracket behind a semicolon belongs to a parameter of a bare address, not to us.
      if (name.indexOf(';') !== -1) return parseBare(text);
      // Deviation: what is no token is taken for a name all the same (RFC 4475 baddn; phones that write \"name\" with the backslashes).
      if (name !== '') displayName = name;
    } else if (open === -1) return parseBare(text);
  }
  const close = text.indexOf('>', open);
  if (close === -1) return undefined;
  const uri = readUri(text.slice(open + 1, close));
  const params = close + 1 === text.length ? Params.none : parseParams(text, close + 1);
  return uri && params ? new NameAddr(uri, displayName, params, text) : undefined;
};

/** §20: without brackets every parameter is the header's, and the URI may hold no comma, question mark or semicolon. */
const parseBare = (text: string): NameAddr | undefined => {
  const semicolon = text.indexOf(';');
  const end = semicolon === -1 ? text.length : semicolon;
  const address = text.slice(0, end).trim();
  if (address.indexOf('?') !== -1 || address.indexOf(',') !== -1) return undefined;
  const uri = readUri(address);
  const params = parseParams(text, end);
  return uri && params ? new NameAddr(uri, undefined, params, text) : undefined;
};
