/**
 * The headers of one message, in order. What came from the wire stays where it was scanned until it is asked for, and is written back
 * byte for byte; the first change turns the list into entries of its own. RFC 3261 §7.3.
 */
import { OptionError } from '../../errors.js';
import { readLine, readLines, readName, readValue } from './head-lines.js';
import { Entry } from './header-entry.js';
import { assertHeaderName, type HeaderName, headerName, isNamed, isNamedAt, knownHeader } from './header-name.js';
import { type Head, scanHead } from './scan.js';
import { firstTop, indexOfTop, splitTop } from './split.js';
import { assertFieldText, encodeText, isFieldText } from './text.js';

const CONTENT_LENGTH = headerName('Content-Length');

export type HeaderEntry = readonly [name: string, value: string];

/** A header of a list that has been changed: one that came with the list's head is its index there, so that copying it makes nothing. */
type Item = number | Entry;

export class HeaderList {
  /** What numbers among the items are indexes of. */
  #head: Head | undefined;
  #items: Item[] | undefined;
  /** Lines in which nobody has yet asked for a header; then neither of the others is there. */
  #draft: string | undefined;

  private constructor(head: Head | undefined, items: Item[] | undefined, draft?: string) {
    this.#head = head;
    this.#items = items;
    this.#draft = draft;
  }

  static scanned(head: Head): HeaderList {
    return new HeaderList(head, undefined);
  }

  /** Lines of a `HeaderDraft`. */
  static drafted(lines: string): HeaderList {
    return new HeaderList(undefined, undefined, lines);
  }

  /** Names and values that an application gives: looked at. */
  static of(entries: readonly HeaderEntry[]): HeaderList {
    let all = '';
    const own: Entry[] = [];
    for (const [name, value] of entries) {
      const known = knownHeader(name);
      if (known === undefined) assertHeaderName(name);
      if (typeof value !== 'string') throw new OptionError(name, 'a string');
      all += value;
      own.push(new Entry(name, value, known));
    }
    // All of the values at a glance; one by one only to say which it was.
    if (!isFieldText(all)) for (const [name, value] of entries) assertHeader(name, value);
    return new HeaderList(undefined, own);
  }

  /** Names and values that come from a message that was read. */
  static trusted(entries: readonly HeaderEntry[]): HeaderList {
    return new HeaderList(
      undefined,
      entries.map(([name, value]) => new Entry(name, value)),
    );
  }

  /** The head as it came while nothing has been changed. */
  get untouched(): Head | undefined {
    return this.#items === undefined ? this.#head : undefined;
  }

  /** From here on the message is written line by line, not as it came. */
  touch(): void {
    this.#own();
  }

  get size(): number {
    this.#settle();
    return this.#items?.length ?? this.#head!.count;
  }

  clone(): HeaderList {
    return new HeaderList(this.#head, this.#items?.slice(), this.#draft);
  }

  nameAt(index: number): string {
    const item = this.#items === undefined ? index : this.#items[index]!;
    return typeof item === 'number' ? readName(this.#head!, item) : item.name;
  }

  /** The value without blanks around it, folds undone. */
  valueAt(index: number): string {
    const item = this.#items === undefined ? index : this.#items[index]!;
    return typeof item === 'number' ? readValue(this.#head!, item) : item.value;
  }

  /** The lines from one header to another, each with the line end before it. */
  lines(first: number, last: number): string {
    const items = this.#items;
    if (items === undefined) return readLines(this.#head!, first, last);
    let text = '';
    for (let index = first; index <= last; index++) {
      const item = items[index]!;
      text = typeof item === 'number' ? text + readLine(this.#head!, item) : item.writeBehind(text);
    }
    return text;
  }

  /** All headers but Content-Length, each with a line end before it; `length` stands where Content-Length stood, or last. */
  write(length: number): string {
    if (this.#draft !== undefined) return `${this.#draft}\r\nContent-Length: ${length}`;
    const items = this.#own();
    let text = '';
    let isLengthWritten = false;
    for (let i = 0; i < items.length; i++) {
      const item = items[i]!;
      if (this.#isNamed(item, CONTENT_LENGTH)) {
        if (!isLengthWritten) text += `\r\n${this.nameAt(i)}: ${length}`;
        isLengthWritten = true;
      } else if (typeof item === 'number') {
        // What came together leaves together.
        let last = item;
        while (items[i + 1] === last + 1 && !this.#isNamed(last + 1, CONTENT_LENGTH)) {
          last++;
          i++;
        }
        text += readLines(this.#head!, item, last);
      } else text = item.writeBehind(text);
    }
    return isLengthWritten ? text : `${text}\r\nContent-Length: ${length}`;
  }

  /** Index of the next header of that name at or behind `from`; -1 when there is none. */
  indexOf(header: HeaderName, from = 0): number {
    this.#settle();
    const { hash, compactHash } = header;
    if (this.#items !== undefined) {
      const items = this.#items;
      for (let i = from; i < items.length; i++) if (this.#isNamed(items[i]!, header)) return i;
      return -1;
    }
    const { marks, count, text } = this.#head!;
    for (let i = from; i < count; i++) {
      const other = marks[i * 2]!;
      if ((other === hash || other === compactHash) && isNamedAt(text, marks[i * 2 + 1]!, header)) return i;
    }
    return -1;
  }

  /** The first header's whole text. */
  text(header: HeaderName): string | undefined {
    const index = this.indexOf(header);
    return index === -1 ? undefined : this.valueAt(index);
  }

  /** The first value: of a list its first element. */
  first(header: HeaderName): string | undefined {
    if (!header.isList) return this.text(header);
    for (let index = this.indexOf(header); index !== -1; index = this.indexOf(header, index + 1)) {
      const value = firstTop(this.valueAt(index));
      if (value !== '' || header.name === 'Supported') return value;
    }
    return this.has(header) ? '' : undefined;
  }

  /** Every value, lists split. */
  all(header: HeaderName): string[] {
    const values: string[] = [];
    for (let index = this.indexOf(header); index !== -1; index = this.indexOf(header, index + 1)) {
      const value = this.valueAt(index);
      if (!header.isList) values.push(value);
      else if (value.indexOf(',') !== -1) for (const part of splitTop(value, ',')) values.push(part);
      else if (value !== '') values.push(value);
    }
    return values;
  }

  /** Each header's whole text, lists as they stand. */
  whole(header: HeaderName): string[] {
    const values: string[] = [];
    for (let index = this.indexOf(header); index !== -1; index = this.indexOf(header, index + 1)) values.push(this.valueAt(index));
    return values;
  }

  has(header: HeaderName): boolean {
    return this.indexOf(header) !== -1;
  }

  entries(): HeaderEntry[] {
    return Array.from({ length: this.size }, (_, i) => [this.nameAt(i), this.valueAt(i)] as const);
  }

  /** Takes the place of all headers of that name, where the first of them stood. */
  set(name: string, values: readonly string[]): void {
    for (const value of values) assertHeader(name, value);
    const header = headerName(name);
    const items = this.#own();
    const at = this.indexOf(header);
    const ours = values.map((value) => new Entry(name, value));
    if (at === -1) items.push(...ours);
    else this.#items = [...items.slice(0, at), ...ours, ...items.slice(at + 1).filter((item) => !this.#isNamed(item, header))];
  }

  add(name: string, value: string): void {
    if (typeof value !== 'string') throw new OptionError(name, 'a string');
    assertFieldText(name, value);
    const known = knownHeader(name);
    if (known === undefined) assertHeaderName(name);
    this.#own().push(new Entry(name, value, known));
  }

  /** Before the first of its name, else before all others. */
  prepend(name: string, value: string): void {
    assertHeader(name, value);
    const items = this.#own();
    items.splice(Math.max(this.indexOf(headerName(name)), 0), 0, new Entry(name, value));
  }

  remove(name: string): void {
    const header = headerName(name);
    if (this.has(header)) this.#items = this.#own().filter((item) => !this.#isNamed(item, header));
  }

  /** Takes away the first value: one element of a list, the header with its last one. */
  removeFirst(name: string): void {
    this.#changeFirst(headerName(name), undefined);
  }

  /** Puts another in place of the first value, and leaves the rest of the list as it is. */
  replaceFirst(name: string, value: string): void {
    assertHeader(name, value);
    this.#changeFirst(headerName(name), value);
  }

  #changeFirst(header: HeaderName, value: string | undefined): void {
    const at = this.indexOf(header);
    if (at === -1) return;
    const items = this.#own();
    const old = this.valueAt(at);
    const end = header.isList ? indexOfTop(old, ',') : old.length;
    const rest = old.slice(end + 1).trim();
    const text = value === undefined ? rest : rest === '' ? value : `${value}, ${rest}`;
    items.splice(at, 1, ...(text === '' && value === undefined ? [] : [new Entry(this.nameAt(at), text)]));
  }

  #isNamed(item: Item, header: HeaderName): boolean {
    if (typeof item === 'number') {
      const { marks, text } = this.#head!;
      const hash = marks[item * 2]!;
      return (hash === header.hash || hash === header.compactHash) && isNamedAt(text, marks[item * 2 + 1]!, header);
    }
    return (item.hash === header.hash || item.hash === header.compactHash) && isNamed(item.name, header);
  }

  /** Somebody asks: the lines of a draft become a head like any other, of which all is ours. */
  #settle(): void {
    if (this.#draft === undefined) return;
    const bytes = encodeText(`${this.#draft}\r\n\r\n`);
    const head = scanHead(bytes, 0, bytes.toString('latin1'), false, { headBytes: bytes.length, headers: bytes.length, bodyBytes: 0 });
    if (typeof head === 'string') throw new Error(`a draft holds header lines and nothing else: ${head}`);
    this.#draft = undefined;
    this.#head = head;
    this.#items = Array.from({ length: head.count }, (_, index) => index);
  }

  #own(): Item[] {
    this.#settle();
    if (this.#items === undefined) {
      const items: Item[] = [];
      for (let i = 0; i < this.#head!.count; i++) items.push(i);
      this.#items = items;
    }
    return this.#items;
  }
}

const assertHeader = (name: string, value: string): void => {
  assertHeaderName(name);
  if (typeof value !== 'string') throw new OptionError(name, 'a string');
  assertFieldText(name, value);
};
