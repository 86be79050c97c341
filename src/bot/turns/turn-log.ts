/** Who said what when, and how long the caller waited for it: the record of a conversation, bounded. */

export interface Turn {
  readonly who: 'caller' | 'bot';
  /** Milliseconds since the call was answered, or since the first turn of one that was not. */
  readonly atMs: number;
  readonly durationMs: number;
  /** The caller's words as recognised, where they were; the bot's as given to the voice. */
  readonly text: string;
  /** Of the bot's words: those that left before it was interrupted, or all. */
  readonly heard?: string;
  readonly outcome?: 'completed' | 'interrupted' | 'ended';
  /** From the end of the caller's speech to the first audio of this on the wire; undefined where the caller had not spoken before. */
  readonly latencyMs?: number;
}

const MOST_TURNS = 1000;

export class TurnLog {
  readonly #turns: Turn[] = [];

  /** Oldest first; the last thousand. */
  get turns(): readonly Turn[] {
    return this.#turns;
  }

  add(turn: Turn): void {
    this.#turns.push(turn);
    if (this.#turns.length > MOST_TURNS) this.#turns.shift();
  }
}
