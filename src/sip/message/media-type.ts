/** `type/subtype;parameters`: Content-Type (RFC 3261 §20.15) and the ranges of Accept (§20.1). */
import { isToken } from './chars.js';
import { Params, parseParams } from './params.js';

export class MediaType {
  /** Lower case. */
  readonly type: string;
  /** Lower case. */
  readonly subtype: string;
  readonly params: Params;
  #text: string | undefined;

  constructor(type: string, subtype: string, params: Params = Params.none, text?: string) {
    this.type = type.toLowerCase();
    this.subtype = subtype.toLowerCase();
    this.params = params;
    this.#text = text;
  }

  /** Without parameters: 'application/sdp'. */
  get essence(): string {
    return `${this.type}/${this.subtype}`;
  }

  /** Of an Accept value; 1 where it says nothing. */
  get q(): number {
    const raw = this.params.raw('q');
    return raw !== undefined && /^[01](?:\.\d{0,3})?$/.test(raw) ? Math.min(+raw, 1) : 1;
  }

  /** Whether a body of that type is in this range (any type, any subtype). */
  includes(other: MediaType | string): boolean {
    const [type = '', subtype = ''] = typeof other === 'string' ? other.toLowerCase().split('/', 2) : [other.type, other.subtype];
    return (this.type === '*' || this.type === type) && (this.subtype === '*' || this.subtype === subtype);
  }

  toString(): string {
    this.#text ??= `${this.type}/${this.subtype}${this.params}`;
    return this.#text;
  }
}

export const parseMediaType = (text: string): MediaType | undefined => {
  const semicolon = text.indexOf(';');
  const end = semicolon === -1 ? text.length : semicolon;
  const slash = text.indexOf('/');
  if (slash === -1 || slash > end) return undefined;
  const type = text.slice(0, slash).trim();
  const subtype = text.slice(slash + 1, end).trim();
  const params = parseParams(text, end);
  return params && isToken(type) && isToken(subtype) ? new MediaType(type, subtype, params, text) : undefined;
};
