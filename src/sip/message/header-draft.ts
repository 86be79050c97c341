/**
 * Header lines written one behind the other, for a message that leaves as soon as it is made: a response (RFC 3261 §8.2.6.2).
 * Nothing is kept but the text; `HeaderList` finds the headers in it should anybody ask.
 */
import { OptionError } from '../../errors.js';
import { assertHeaderName, type HeaderName, headerName, knownHeader } from './header-name.js';
import type { HeaderList } from './headers.js';
import { assertFieldText } from './text.js';

const CONTENT_LENGTH = headerName('Content-Length');

export class HeaderDraft {
  #text = '';
  /** What is being copied: headers that stand one behind the other are cut out in one piece. */
  #source: HeaderList | undefined;
  #first = 0;
  #last = 0;

  /** Every line with a line end before it, none behind. */
  finish(): string {
    this.#cut();
    return this.#text;
  }

  /** Headers of a message that came, as they came: all of what is a list, the first of what may stand once. */
  copy(from: HeaderList, header: HeaderName): void {
    for (let index = from.indexOf(header); index !== -1; index = from.indexOf(header, index + 1)) {
      if (from !== this.#source || index !== this.#last + 1) {
        this.#cut();
        this.#source = from;
        this.#first = index;
      }
      this.#last = index;
      if (!header.isList) return;
    }
  }

  #cut(): void {
    if (this.#source !== undefined) this.#text += this.#source.lines(this.#first, this.#last);
    this.#source = undefined;
  }

  /** A parameter for the last header; it has been looked at. */
  prolong(text: string): void {
    this.#cut();
    this.#text += text;
  }

  /** What an application gives: looked at. The length is not for it to say. */
  add(name: string, value: string): void {
    const known = knownHeader(name);
    if (known === undefined) assertHeaderName(name);
    if (typeof value !== 'string') throw new OptionError(name, 'a string');
    assertFieldText(name, value);
    if ((known ?? headerName(name)) === CONTENT_LENGTH) return;
    this.#cut();
    const prefix = known !== undefined && known.name === name ? known.prefix : `\r\n${name}: `;
    this.#text = this.#text + prefix + value;
  }
}
