/** Who is called in `bench calls`, `bench cps` and `bench growth`: a process that answers, on a core of its own. */
import type { Tail } from '../load/histogram.js';
import type { Callee } from '../load/sip-caller.js';

/** All peers live here, the generator next door. */
export const HOST = '127.0.0.12';
export const CALLER_HOST = '127.0.0.13';

/** What only ours can say of itself, since the last time it was asked. */
export interface OwnFigures {
  /** How late it sent, by its own clock. */
  readonly departures: Tail;
  readonly skippedMs: number;
  readonly lateFrames: number;
  readonly concealedMs: number;
}

export interface Peer {
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  readonly callee: Callee;
  ownFigures?(): Promise<OwnFigures>;
  stop(): void | Promise<void>;
}
