/** A message as it stands, RFC 3261 §7.3, §7.4: headers by name as text, body as bytes or as text. What was read of a header is kept until the next change. */
import { type HeaderName, headerName } from './header-name.js';
import type { HeaderEntry, HeaderList } from './headers.js';
import { decodeText, encodeText } from './text.js';

const emptyBody = new Uint8Array(0);

export abstract class MessageParts {
  /** The list itself; for `write` and for those who copy headers as they came. */
  readonly list: HeaderList;
  /** One of the two is there from the beginning, the other when it has been asked for. */
  #bodyBytes: Uint8Array | undefined;
  #bodyText: string | undefined;
  #isBodyTouched = false;
  /** Values that were read, by the header's name; null for one that is absent or malformed. */
  #values: Map<string, unknown> | undefined;

  constructor(list: HeaderList, body: Uint8Array | string | undefined) {
    this.list = list;
    if (typeof body === 'string') this.#bodyText = body;
    else this.#bodyBytes = body ?? emptyBody;
  }

  /** Text of the first value; the name in any case, compact or not. */
  header(name: string): string | undefined {
    return this.list.first(headerName(name));
  }

  /** Text of every value, comma lists split where the grammar has lists. */
  headers(name: string): string[] {
    return this.list.all(headerName(name));
  }

  has(name: string): boolean {
    return this.list.has(headerName(name));
  }

  /** As written, in order; folds undone. */
  get entries(): readonly HeaderEntry[] {
    return this.list.entries();
  }

  /** Takes the place of all headers of that name; with no value, removes them. */
  set(name: string, ...values: string[]): this {
    this.list.set(name, values);
    return this.changed();
  }

  add(name: string, value: string): this {
    this.list.add(name, value);
    return this.changed();
  }

  /** Before the others of its name; before everything when there is none. */
  prepend(name: string, value: string): this {
    this.list.prepend(name, value);
    return this.changed();
  }

  remove(name: string): this {
    this.list.remove(name);
    return this.changed();
  }

  /** Takes away the first value, which may be one element of a list. */
  removeFirst(name: string): this {
    this.list.removeFirst(name);
    return this.changed();
  }

  /** Another in place of the first value, the rest of its list untouched. */
  replaceFirst(name: string, value: string): this {
    this.list.replaceFirst(name, value);
    return this.changed();
  }

  /** What was read of headers is let go; it is read again when it is asked for. For who keeps a message for long. */
  forget(): void {
    this.changed();
  }

  /** Whoever keeps values of headers forgets them here. */
  protected changed(): this {
    this.#values = undefined;
    return this;
  }

  get body(): Uint8Array {
    this.#bodyBytes ??= encodeText(this.#bodyText ?? '');
    return this.#bodyBytes;
  }

  get bodyText(): string {
    this.#bodyText ??= decodeText(this.body);
    return this.#bodyText;
  }

  /** Without making bytes of a body that is text, or text of one that is bytes. */
  get bodySource(): Uint8Array | string {
    return this.#bodyText ?? this.#bodyBytes ?? emptyBody;
  }

  /** Whether the body is another than the one that came. */
  get isBodyTouched(): boolean {
    return this.#isBodyTouched;
  }

  /** Sets the body and its Content-Type; Content-Length is written for it. An undefined type takes the header away. */
  setBody(contentType: string | undefined, body: Uint8Array | string): this {
    if (contentType === undefined) this.list.remove('Content-Type');
    else this.list.set('Content-Type', [contentType]);
    this.#bodyText = typeof body === 'string' ? body : undefined;
    this.#bodyBytes = typeof body === 'string' ? undefined : body;
    this.#isBodyTouched = true;
    return this.changed();
  }

  /** The first value, not kept; null when it is absent or malformed. */
  protected read<T>(header: HeaderName, parse: (text: string) => T | undefined): T | null {
    const text = this.list.first(header);
    return text === undefined ? null : (parse(text) ?? null);
  }

  /** The first value. */
  protected one<T>(name: string, parse: (text: string) => T | undefined): T | undefined {
    this.#values ??= new Map();
    const known = this.#values.get(name);
    if (known !== undefined) return known === null ? undefined : (known as T);
    const value = this.read(headerName(name), parse);
    this.#values.set(name, value);
    return value ?? undefined;
  }

  /** The well-formed values. */
  protected many<T>(name: string, parse: (text: string) => T | undefined): readonly T[] {
    return this.whole(name, (values) => values.map(parse).filter((value) => value !== undefined));
  }

  /** All values in one. */
  protected whole<T>(name: string, parse: (values: string[]) => T): T {
    this.#values ??= new Map();
    const known = this.#values.get(name);
    if (known !== undefined) return known as T;
    const value = parse(this.list.all(headerName(name)));
    this.#values.set(name, value);
    return value;
  }
}
