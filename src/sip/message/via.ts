/** One hop of the Via header, RFC 3261 §20.42, with `rport` of RFC 3581. Immutable. */
import { codeAt, DIGIT, HOST, parseDigits, parseDigitsIn, skipAll, skipSpace, TOKEN } from './chars.js';
import { isHost, writeHost } from './host.js';
import { Params, parseParams } from './params.js';

export interface ViaParts {
  readonly transport?: string;
  readonly host?: string;
  readonly port?: number | undefined;
  readonly params?: Params;
}

export class Via {
  /** Upper case: 'UDP', 'TCP', 'TLS', 'WS', 'WSS', … */
  readonly transport: string;
  /** sent-by; an IPv6 address stands without its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
  #text: string | undefined;

  constructor(transport: string, host: string, port?: number, params: Params = Params.none, text?: string) {
    this.transport = transport;
    this.host = host;
    this.port = port;
    this.params = params;
    this.#text = text;
  }

  get branch(): string | undefined {
    return this.params.raw('branch');
  }

  get received(): string | undefined {
    return this.params.get('received');
  }

  get maddr(): string | undefined {
    return this.params.get('maddr');
  }

  get ttl(): number | undefined {
    return parseDigits(this.params.raw('ttl') ?? '', 255);
  }

  /** `true`: asked for and not yet filled in (RFC 3581 §3). */
  get rport(): number | true | undefined {
    const raw = this.params.raw('rport');
    if (raw === undefined || raw === '') return this.params.has('rport') ? true : undefined;
    return parseDigits(raw, 65535);
  }

  with(change: ViaParts): Via {
    return new Via(
      change.transport ?? this.transport,
      change.host ?? this.host,
      'port' in change ? change.port : this.port,
      change.params ?? this.params,
    );
  }

  withParam(name: string, value: string | true): Via {
    return new Via(this.transport, this.host, this.port, this.params.with(name, value));
  }

  toString(): string {
    this.#text ??= `SIP/2.0/${this.transport} ${writeHost(this.host)}${this.port === undefined ? '' : `:${this.port}`}${this.params}`;
    return this.#text;
  }
}

/** A Via without blanks, quotes, brackets and surprises: nearly every one, read in one go. The rest is read with patience. */
const plainVia = /^SIP\/2\.0\/(UDP|TCP|TLS|WSS?|SCTP) ([\w.-]+)(?::([0-5]?\d{1,4}))?((?:;[\w\-.!%*+`'~]+(?:=[!#-+\-./0-:=?-~]+)?)*)$/;

/** One Via value; undefined when it is malformed. Blanks are allowed around the slashes and the colon (§25.1). */
export const parseVia = (text: string): Via | undefined => {
  const plain = plainVia.exec(text);
  if (plain === null) return parseLoose(text);
  const port = plain[3];
  const params = plain[4]!;
  return new Via(plain[1]!, plain[2]!, port === undefined ? undefined : +port, params === '' ? Params.none : new Params(params), text);
};

const parseLoose = (text: string): Via | undefined => {
  let at = afterProtocol(text);
  if (at === -1) return undefined;
  const end = text.length;
  const transportFrom = at;
  at = skipAll(text, at, TOKEN);
  const transport = text.slice(transportFrom, at).toUpperCase();
  const transportEnd = at;
  at = skipSpace(text, at);
  if (transportEnd === transportFrom || at === transportEnd) return undefined;
  const hostFrom = at;
  let host: string;
  if (codeAt(text, at) === 91) {
    at = text.indexOf(']', at) + 1;
    if (at === 0) return undefined;
    host = text.slice(hostFrom + 1, at - 1);
    if (!isHost(`[${host}]`)) return undefined;
  } else {
    at = skipAll(text, at, HOST);
    if (at === hostFrom) return undefined;
    host = text.slice(hostFrom, at);
  }
  at = skipSpace(text, at);
  let port: number | undefined;
  if (codeAt(text, at) === 58) {
    const portFrom = skipSpace(text, at + 1);
    at = skipAll(text, portFrom, DIGIT);
    port = parseDigitsIn(text, portFrom, at, 65535);
    if (port === undefined) return undefined;
  }
  const params = at === end ? Params.none : parseParams(text, at);
  return params && new Via(transport, host, port, params, text);
};

/** `SIP / 2.0 / ` in any case and spacing. The version is looked at, since another one is not ours to read (§20.42). */
const afterProtocol = (text: string): number => {
  let at = 0;
  for (const word of ['SIP', '/', '2.0', '/']) {
    if (text.slice(at, at + word.length).toUpperCase() !== word) return -1;
    at = skipSpace(text, at + word.length);
  }
  return at;
};
