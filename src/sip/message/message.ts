/** A SIP message, RFC 3261 §7: a start line, and what `MessageParts` and its values say of headers and body. */
import { OptionError } from '../../errors.js';
import { isToken } from './chars.js';
import { ExtensionValues } from './extension-values.js';
import { type HeaderEntry, HeaderList } from './headers.js';
import { reasonPhrase, statusLine } from './status.js';
import { assertFieldText } from './text.js';
import { asUri, type Uri } from './uri.js';

export class SipRequest extends ExtensionValues {
  readonly kind = 'request';
  readonly method: string;
  /** Text of a URI that is known to be one, until it is asked for. */
  #uri: Uri | string;

  /** Throws OptionError for what may not stand in a message. With a HeaderList, which only the parser has, all is taken as it is. */
  constructor(method: string, uri: Uri | string, headers: readonly HeaderEntry[] | HeaderList = [], body?: Uint8Array | string) {
    super(headers instanceof HeaderList ? headers : HeaderList.of(headers), body);
    if (!(headers instanceof HeaderList) && !isToken(method)) throw new OptionError('method', 'a token (RFC 3261 §25.1)');
    this.method = method;
    this.#uri = headers instanceof HeaderList ? uri : asUri(uri);
  }

  get uri(): Uri {
    if (typeof this.#uri === 'string') this.#uri = asUri(this.#uri);
    return this.#uri;
  }

  get startLine(): string {
    return `${this.method} ${this.#uri} SIP/2.0`;
  }

  /** A copy of its own with another Request-URI. */
  withUri(uri: Uri | string): SipRequest {
    const list = this.list.clone();
    list.touch();
    return new SipRequest(this.method, asUri(uri), list, this.bodySource);
  }

  clone(): SipRequest {
    return new SipRequest(this.method, this.#uri, this.list.clone(), this.bodySource);
  }
}

export class SipResponse extends ExtensionValues {
  readonly kind = 'response';
  readonly status: number;
  readonly reason: string;

  /** Throws OptionError for what may not stand in a message. With a HeaderList, which only this room has, all is taken as it is. */
  constructor(status: number, reason?: string, headers: readonly HeaderEntry[] | HeaderList = [], body?: Uint8Array | string) {
    super(headers instanceof HeaderList ? headers : HeaderList.of(headers), body);
    if (!(Number.isInteger(status) && status >= 100 && status <= 699)) throw new OptionError('status', 'a number from 100 to 699');
    if (reason !== undefined && !(headers instanceof HeaderList)) assertFieldText('reason', reason);
    this.status = status;
    this.reason = reason ?? reasonPhrase(status);
  }

  get startLine(): string {
    const { status, reason } = this;
    return reason === reasonPhrase(status) ? statusLine(status) : `SIP/2.0 ${status} ${reason}`;
  }

  clone(): SipResponse {
    return new SipResponse(this.status, this.reason, this.list.clone(), this.bodySource);
  }
}

export type SipMessage = SipRequest | SipResponse;
