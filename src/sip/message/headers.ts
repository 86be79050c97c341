/**
 * The headers of one message, in order. What came from the wire stays where it was scanned until it is asked for, and is written back
 * byte for byte; the first change turns the list into entries of its own. RFC 3261 §7.3.
 */
import { OptionError } from '../../errors.js';
import { assertHeaderName, type HeaderName, hashName, headerName, isNamed, isNamedAt, knownHeader } from './header-name.js';
import { cutHead, type Head, headerEnd, nameEnd } from './scan.js';
import { firstTop, indexOfTop, splitTop } from './split.js';
import { assertFieldText, isFieldText } from './text.js';

const CONTENT_LENGTH = headerName('Content-Length');

export type HeaderEntry = readonly [name: string, value: string];

/** A header that did not come with the head of its list. */
interface Entry {
  readonly hash: number;
  readonly name: string;
  readonly value: string;
  /** The whole line, the line end of the line before it first. */
  readonly line: string;
}

/** One of another message, as it came there. */
class CopiedEntry implements Entry {
  readonly hash: number;
  readonly #head: Head;
  readonly #index: number;

  constructor(head: Head, index: number) {
    this.hash = head.marks[index * 2]!;
    this.#head = head;
    this.#index = index;
  }

  get name(): string {
    return readName(this.#head, this.#index);
  }

  get value(): string {
    return readValue(this.#head, this.#index);
  }

  get line(): string {
    return readLine(this.#head, this.#index);
  }
}

class OwnEntry implements Entry {
  readonly hash: number;
  readonly name: string;
  readonly value: string;
  readonly #prefix: string;

  constructor(name: string, value: string, known: HeaderName | undefined) {
    const isUsual = known !== undefined && known.name === name;
    this.hash = isUsual ? known.hash : hashName(name);
    this.name = name;
    this.value = value;
    this.#prefix = isUsual ? known.prefix : `\r\n${name}: `;
  }

  get line(): string {
    return this.#prefix + this.value;
  }
}

/** A header of a list that has been changed: one that came with the list's head is its index there, so that copying it makes nothing. */
type Item = number | Entry;

export class HeaderList {
  /** What numbers among the items are indexes of. */
  #head: Head | undefined;
  #items: Item[] | undefined;

  private constructor(head: Head | undefined, items: Item[] | undefined) {
    this.#head = head;
    this.#items = items;
  }

  static scanned(head: Head): HeaderList {
    return new HeaderList(head, undefined);
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
      own.push(new OwnEntry(name, value, known));
    }
    // All of the values at a glance; one by one only to say which it was.
    if (!isFieldText(all)) for (const [name, value] of entries) assertHeader(name, value);
    return new HeaderList(undefined, own);
  }

  /** Names and values that come from a message that was read. */
  static trusted(entries: readonly HeaderEntry[]): HeaderList {
    return new HeaderList(
      undefined,
      entries.map(([name, value]) => makeEntry(name, value)),
    );
  }

  /** Copies the headers of that name, or the first of them, to the end of another list, as they came. */
  copyTo(other: HeaderList, header: HeaderName, which: 'all' | 'first' = 'all'): void {
    const isSingle = which === 'first';
    const target = other.#own();
    other.#head ??= this.#head;
    const isSameHead = other.#head === this.#head;
    for (let index = this.indexOf(header); index !== -1; index = this.indexOf(header, index + 1)) {
      const item = this.#items === undefined ? index : this.#items[index]!;
      target.push(isSameHead || typeof item !== 'number' ? item : new CopiedEntry(this.#head!, item));
      if (isSingle) return;
    }
  }

  /** Appends what has been looked at. */
  addTrusted(name: string, value: string): void {
    this.#own().push(makeEntry(name, value));
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
    return this.#items?.length ?? this.#head!.count;
  }

  clone(): HeaderList {
    return new HeaderList(this.#head, this.#items?.slice());
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

  /** All headers but Content-Length, each with a line end before it; `length` stands where Content-Length stood, or last. */
  write(length: number): string {
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
      } else text += item.line;
    }
    return isLengthWritten ? text : `${text}\r\nContent-Length: ${length}`;
  }

  /** Index of the next header of that name at or behind `from`; -1 when there is none. */
  indexOf(header: HeaderName, from = 0): number {
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
    const ours = values.map((value) => makeEntry(name, value));
    if (at === -1) items.push(...ours);
    else this.#items = [...items.slice(0, at), ...ours, ...items.slice(at + 1).filter((item) => !this.#isNamed(item, header))];
  }

  add(name: string, value: string): void {
    if (typeof value !== 'string') throw new OptionError(name, 'a string');
    assertFieldText(name, value);
    const known = knownHeader(name);
    if (known === undefined) assertHeaderName(name);
    this.#own().push(new OwnEntry(name, value, known));
  }

  /** Before the first of its name, else before all others. */
  prepend(name: string, value: string): void {
    assertHeader(name, value);
    const items = this.#own();
    items.splice(Math.max(this.indexOf(headerName(name)), 0), 0, makeEntry(name, value));
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
    items.splice(at, 1, ...(text === '' && value === undefined ? [] : [makeEntry(this.nameAt(at), text)]));
  }

  #isNamed(item: Item, header: HeaderName): boolean {
    if (typeof item === 'number') {
      const { marks, text } = this.#head!;
      const hash = marks[item * 2]!;
      return (hash === header.hash || hash === header.compactHash) && isNamedAt(text, marks[item * 2 + 1]!, header);
    }
    return (item.hash === header.hash || item.hash === header.compactHash) && isNamed(item.name, header);
  }

  #own(): Item[] {
    if (this.#items === undefined) {
      const items: Item[] = [];
      for (let i = 0; i < this.#head!.count; i++) items.push(i);
      this.#items = items;
    }
    return this.#items;
  }
}

const makeEntry = (name: string, value: string): Entry => new OwnEntry(name, value, knownHeader(name));

const assertHeader = (name: string, value: string): void => {
  assertHeaderName(name);
  if (typeof value !== 'string') throw new OptionError(name, 'a string');
  assertFieldText(name, value);
};

const readName = (head: Head, index: number): string => head.text.slice(head.marks[index * 2 + 1]!, nameEnd(head, index));

/** One line, and the line end before it. A lone CR or LF may be read, but is not handed on. */
const readLine = (head: Head, index: number): string => {
  const from = head.marks[index * 2 + 1]!;
  const isCrlf = head.text.charCodeAt(from - 2) === 13;
  const line = cutHead(head, isCrlf ? from - 2 : from, headerEnd(head, index));
  const isFit = isCrlf && (head.isFolded ? isClean(line) : line.indexOf('\r', 2) === -1);
  return isFit ? line : `\r\n${readName(head, index)}: ${readValue(head, index)}`;
};

/** Lines that are not folded, each with the CR of its line end and no other. */
const areFit = (head: Head, first: number, last: number): boolean => {
  if (head.isFolded) return false;
  const { text, marks } = head;
  for (let index = first; index <= last; index++) if (text.indexOf('\r', marks[index * 2 + 1]!) !== marks[index * 2 + 3]! - 2) return false;
  return true;
};

/** A run of lines, as they came where they are fit to be written. */
const readLines = (head: Head, first: number, last: number): string => {
  if (first === last) return readLine(head, first);
  const from = head.marks[first * 2 + 1]! - 2;
  if (head.text.charCodeAt(from) === 13 && areFit(head, first, last)) return cutHead(head, from, head.marks[last * 2 + 3]! - 2);
  let text = '';
  for (let index = first; index <= last; index++) text += readLine(head, index);
  return text;
};

const readValue = (head: Head, index: number): string => {
  const { text } = head;
  let from = text.indexOf(':', head.marks[index * 2 + 1]!) + 1;
  let to = headerEnd(head, index);
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  const value = cutHead(head, from, to);
  return value.indexOf('\r') !== -1 || (head.isFolded && value.indexOf('\n') !== -1) ? unfold(value) : value;
};

/** Each CR with its LF, each LF with its CR. */
const isClean = (lines: string): boolean => {
  let at = 0;
  for (;;) {
    const lf = lines.indexOf('\n', at);
    const cr = lines.indexOf('\r', at);
    if (cr !== lf - 1) return cr === -1 && lf === -1;
    if (lf === -1) return false;
    at = lf + 1;
  }
};

const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 13 || code === 10;

/** §7.3.1: a fold and the blanks around it are as good as one blank; so, kindly, is a CR that stands alone. */
const unfold = (value: string): string =>
  value
    .split(/[\r\n][\r\n\t ]*/)
    .map((line) => line.trimEnd())
    .join(' ')
    .trim();
