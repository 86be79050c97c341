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

/** A header of a list that is its own. */
interface Entry {
  readonly hash: number;
  readonly name: string;
  readonly value: string;
  /** What is written before the value, from the line end of the line before; of one that came, the line itself. */
  readonly prefix: string;
  /** Whether it stood right behind the other when both came, in a head that can be written as it is. */
  follows(other: Entry): boolean;
}

/** One that came from the wire: read when asked for, written as it came. */
class WireEntry implements Entry {
  readonly hash: number;
  readonly #head: Head;
  readonly #index: number;

  constructor(head: Head, index: number) {
    this.hash = head.marks[index * 2]!;
    this.#head = head;
    this.#index = index;
  }

  get name(): string {
    return this.#head.text.slice(this.#head.marks[this.#index * 2 + 1]!, nameEnd(this.#head, this.#index));
  }

  get value(): string {
    return readValue(this.#head, this.#index);
  }

  get prefix(): string {
    const head = this.#head;
    const from = head.marks[this.#index * 2 + 1]!;
    const isCrlf = head.text.charCodeAt(from - 2) === 13;
    const line = cutHead(head, isCrlf ? from - 2 : from, headerEnd(head, this.#index));
    // A lone CR or LF may be read, but is not handed on.
    return isCrlf && (head.isFolded ? isClean(line) : line.indexOf('\r', 2) === -1) ? line : `\r\n${this.name}: ${this.value}`;
  }

  follows(other: Entry): boolean {
    return other instanceof WireEntry && other.#head === this.#head && other.#index === this.#index - 1;
  }

  /** Its line and all behind it up to that of `last`. */
  linesTo(last: WireEntry): string {
    const head = this.#head;
    const from = head.marks[this.#index * 2 + 1]! - 2;
    const to = headerEnd(head, last.#index);
    if (from >= 0 && head.text.charCodeAt(from) === 13) {
      const lines = cutHead(head, from, to);
      if (isClean(lines)) return lines;
    }
    let text = '';
    for (let index = this.#index; index <= last.#index; index++) text += new WireEntry(head, index).prefix;
    return text;
  }
}

class OwnEntry implements Entry {
  readonly hash: number;
  readonly name: string;
  readonly value: string;
  readonly prefix: string;

  constructor(name: string, value: string, known: HeaderName | undefined) {
    const isUsual = known !== undefined && known.name === name;
    this.hash = isUsual ? known.hash : hashName(name);
    this.name = name;
    this.value = value;
    this.prefix = isUsual ? known.prefix : `\r\n${name}: `;
  }

  follows(): boolean {
    return false;
  }
}

export class HeaderList {
  readonly #head: Head | undefined;
  #entries: Entry[] | undefined;

  private constructor(head: Head | undefined, entries: Entry[] | undefined) {
    this.#head = head;
    this.#entries = entries;
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
    for (let index = this.indexOf(header); index !== -1; index = this.indexOf(header, index + 1)) {
      target.push(this.#entries === undefined ? new WireEntry(this.#head!, index) : this.#entries[index]!);
      if (isSingle) return;
    }
  }

  /** Appends what has been looked at. */
  addTrusted(name: string, value: string): void {
    this.#own().push(makeEntry(name, value));
  }

  /** The head as it came while nothing has been changed. */
  get untouched(): Head | undefined {
    return this.#entries === undefined ? this.#head : undefined;
  }

  /** From here on the message is written line by line, not as it came. */
  touch(): void {
    this.#own();
  }

  get size(): number {
    return this.#entries?.length ?? this.#head!.count;
  }

  clone(): HeaderList {
    return new HeaderList(this.#head, this.#entries?.slice());
  }

  nameAt(index: number): string {
    if (this.#entries !== undefined) return this.#entries[index]!.name;
    const head = this.#head!;
    return head.text.slice(head.marks[index * 2 + 1]!, nameEnd(head, index));
  }

  /** The value without blanks around it, folds undone. */
  valueAt(index: number): string {
    return this.#entries !== undefined ? this.#entries[index]!.value : readValue(this.#head!, index);
  }

  /** All headers but Content-Length, each with a line end before it; `length` stands where Content-Length stood, or last. */
  write(length: number): string {
    const entries = this.#own();
    let text = '';
    let isLengthWritten = false;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (isLength(entry)) {
        if (!isLengthWritten) text += `\r\n${entry.name}: ${length}`;
        isLengthWritten = true;
      } else if (entry instanceof OwnEntry) {
        text += entry.prefix;
        text += entry.value;
      } else {
        // What came together leaves together.
        let last = i;
        for (let next = entries[i + 1]; next?.follows(entries[last]!) && !isLength(next); next = entries[last + 1]) last++;
        text += last === i ? entry.prefix : (entry as WireEntry).linesTo(entries[last] as WireEntry);
        i = last;
      }
    }
    return isLengthWritten ? text : `${text}\r\nContent-Length: ${length}`;
  }

  /** Index of the next header of that name at or behind `from`; -1 when there is none. */
  indexOf(header: HeaderName, from = 0): number {
    const { hash, compactHash } = header;
    if (this.#entries !== undefined) {
      const entries = this.#entries;
      for (let i = from; i < entries.length; i++) {
        const other = entries[i]!.hash;
        if ((other === hash || other === compactHash) && isNamed(entries[i]!.name, header)) return i;
      }
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
    const entries = this.#own();
    const at = this.indexOf(header);
    const ours = values.map((value) => makeEntry(name, value));
    if (at === -1) entries.push(...ours);
    else this.#entries = [...entries.slice(0, at), ...ours, ...entries.slice(at + 1).filter((entry) => !matches(entry, header))];
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
    const entries = this.#own();
    entries.splice(Math.max(this.indexOf(headerName(name)), 0), 0, makeEntry(name, value));
  }

  remove(name: string): void {
    const header = headerName(name);
    if (this.has(header)) this.#entries = this.#own().filter((entry) => !matches(entry, header));
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
    const entries = this.#own();
    const old = entries[at]!;
    const end = header.isList ? indexOfTop(old.value, ',') : old.value.length;
    const rest = old.value.slice(end + 1).trim();
    const text = value === undefined ? rest : rest === '' ? value : `${value}, ${rest}`;
    entries.splice(at, 1, ...(text === '' && value === undefined ? [] : [makeEntry(old.name, text)]));
  }

  #own(): Entry[] {
    if (this.#entries === undefined) {
      const head = this.#head!;
      const entries: Entry[] = [];
      for (let i = 0; i < head.count; i++) entries.push(new WireEntry(head, i));
      this.#entries = entries;
    }
    return this.#entries;
  }
}

const makeEntry = (name: string, value: string): Entry => new OwnEntry(name, value, knownHeader(name));

const isLength = (entry: Entry): boolean => matches(entry, CONTENT_LENGTH);

const matches = (entry: Entry, header: HeaderName): boolean =>
  (entry.hash === header.hash || entry.hash === header.compactHash) && isNamed(entry.name, header);

const assertHeader = (name: string, value: string): void => {
  assertHeaderName(name);
  if (typeof value !== 'string') throw new OptionError(name, 'a string');
  assertFieldText(name, value);
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
