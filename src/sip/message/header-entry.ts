/** A header that did not come from the wire with the rest of its list, but was written by us. */
import { type HeaderName, hashName, knownHeader } from './header-name.js';

export class Entry {
  readonly hash: number;
  readonly name: string;
  readonly value: string;
  readonly #prefix: string;

  constructor(name: string, value: string, known: HeaderName | undefined = knownHeader(name)) {
    const isUsual = known !== undefined && known.name === name;
    this.hash = isUsual ? known.hash : hashName(name);
    this.name = name;
    this.value = value;
    this.#prefix = isUsual ? known.prefix : `\r\n${name}: `;
  }

  /** The text and the whole line behind it. Piece by piece: a line made first would be one more rope to walk when the bytes are written. */
  writeBehind(text: string): string {
    return text + this.#prefix + this.value;
  }
}
