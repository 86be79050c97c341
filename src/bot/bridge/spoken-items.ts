/**
 * What a model has said, item by item, against what the caller has heard of it: when the caller interrupts, the model is told at which
 * millisecond of which item. Pure: positions are milliseconds of the call's playout ledger, which counts what was really sent.
 */

export interface CutItem {
  readonly id: string;
  readonly contentIndex: number;
  /** Of this item. */
  readonly heardMs: number;
}

interface Item {
  readonly id: string;
  readonly responseId: string;
  readonly contentIndex: number;
  /** Where it begins, on the ledger. */
  readonly startMs: number;
  writtenMs: number;
}

const MAX_REMEMBERED = 64;

export class SpokenItems {
  #items: Item[] = [];
  /** Responses that were interrupted: what is still on its way of them is not played. */
  #cut: string[] = [];

  /** Some of an item is about to be queued, behind `aheadMs` of sound. False: it was cut, and must not be. */
  add(
    part: { readonly id: string; readonly responseId: string; readonly contentIndex: number; readonly ms: number },
    playedMs: number,
    aheadMs: number,
  ): boolean {
    if (this.#cut.includes(part.responseId)) return false;
    let item = this.#items.at(-1);
    if (item?.id !== part.id || item.contentIndex !== part.contentIndex) {
      item = { id: part.id, responseId: part.responseId, contentIndex: part.contentIndex, startMs: playedMs + aheadMs, writtenMs: 0 };
      this.#items = [...this.#items.filter((one) => one.startMs + one.writtenMs > playedMs), item].slice(-MAX_REMEMBERED);
    }
    item.writtenMs += part.ms;
    return true;
  }

  /** The caller interrupts, having heard up to `playedMs`: what was cut off, in the order in which it was said. */
  cut(playedMs: number): readonly CutItem[] {
    const unheard = this.#items.filter((item) => item.startMs + item.writtenMs > playedMs);
    this.#items = [];
    for (const { responseId } of unheard) this.silence(responseId);
    return unheard.map(({ id, contentIndex, startMs, writtenMs }) => ({
      id,
      contentIndex,
      heardMs: Math.floor(Math.min(Math.max(0, playedMs - startMs), writtenMs)),
    }));
  }

  /** Nothing more of this response is to be heard. */
  silence(responseId: string): void {
    if (!this.#cut.includes(responseId)) this.#cut = [...this.#cut, responseId].slice(-MAX_REMEMBERED);
  }

  forget(): void {
    this.#items = [];
    this.#cut = [];
  }
}
