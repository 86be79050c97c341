/** The layer, as its transactions see it: it knows the time and carries out effects. */
import type { ClientTransaction } from './client-transaction.js';
import type { Effect } from './effects.js';
import type { ServerTransaction } from './server-transaction.js';
import type { Wire } from './wire.js';

export interface Performer<W extends Wire> {
  now(): number;
  perform(transaction: ClientTransaction<W> | ServerTransaction<W>, effects: readonly Effect[]): void;
}
