import type { Task } from '../measure.js';

/** What is done with the sources of both checkouts; several operations a run, where one alone cannot be had. */
export interface Work extends Task {
  readonly operations?: number;
}
