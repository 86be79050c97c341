/** Marks, as they are told to the application: in the order in which they were set. */
import { SafeEmitter } from './safe-emitter.js';

export interface MarkOutcome {
  readonly name: string;
  readonly outcome: 'sent' | 'cleared';
}

export class MarkEvents extends SafeEmitter<{ mark: [mark: MarkOutcome] }> {
  readonly #onThrown: (error: unknown) => void;

  constructor(onThrown: (error: unknown) => void) {
    super();
    this.#onThrown = onThrown;
  }

  tell(mark: MarkOutcome): void {
    this.emit('mark', mark);
  }

  protected override onListenerFailed(_event: 'mark', error: unknown): void {
    this.#onThrown(error);
  }
}
