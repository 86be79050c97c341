/** The marks of one playout ring: the application's by name, and the house's own, which call back and are told to nobody else. */
import type { PlayoutRing } from '../rtp/playout-ring.js';

export type MarkOutcome = 'sent' | 'cleared';

/** Names of the house's own begin with this. */
const OWN = '\u0000';

export class RingMarks {
  readonly #ring: PlayoutRing;
  readonly #onNamed: (name: string, outcome: MarkOutcome) => void;
  /** Most calls only write. */
  #own: Map<string, (outcome: MarkOutcome) => void> | undefined;
  #count = 0;

  constructor(ring: PlayoutRing, onNamed: (name: string, outcome: MarkOutcome) => void = () => {}) {
    this.#ring = ring;
    this.#onNamed = onNamed;
    ring.onMark = this.#onMark;
  }

  /** Calls back once, when what has been written until now is sent, or has been cleared. */
  atEnd(tell: (outcome: MarkOutcome) => void): void {
    const name = `${OWN}${this.#count++}`;
    this.#own ??= new Map();
    this.#own.set(name, tell);
    this.#ring.mark(name);
  }

  named(name: string): void {
    this.#ring.mark(name);
  }

  static isReserved(name: string): boolean {
    return name.startsWith(OWN);
  }

  readonly #onMark = (name: string, outcome: MarkOutcome): void => {
    const own = this.#own?.get(name);
    if (own === undefined) {
      this.#onNamed(name, outcome);
      return;
    }
    this.#own?.delete(name);
    own(outcome);
  };
}
