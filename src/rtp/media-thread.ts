/**
 * A media thread as the application's thread sees it: commands go in, reports and wake-ups come out. Inline, the host stands behind the
 * same two functions without a thread between.
 */

import type { BoundAhead } from './bound-ahead.js';
import { SLOT_MS } from './media-clock.js';
import { type HostCommand, type HostReport, readThreadMemory, type ThreadCounts, threadMemory } from './media-host.js';
import { ReadyQueue, readyQueueMemory } from './ready-queue.js';

/** What is told of one stream. */
export interface StreamOwner {
  onReport(report: HostReport): void;
  /** Frames are there, or something awaited was played. */
  onReady(): void;
  /** The thread is gone. */
  onLost(error: Error): void;
}

export interface ThreadLink {
  readonly ready: Promise<void>;
  /** Commands come in the order in which they were posted. */
  post(command: HostCommand): void;
  stop(): Promise<void>;
  /** One stream more, or one less, for which the thread keeps the process alive. */
  hold(change: 1 | -1): void;
}

export type LinkThread = (
  memory: { readonly ready: SharedArrayBuffer; readonly counts: SharedArrayBuffer },
  listener: { readonly onReport: (report: HostReport) => void; readonly onLost: (error: Error) => void },
) => ThreadLink;

export class MediaThread {
  /** Where it binds sockets ahead of calls. */
  ahead: BoundAhead | undefined;
  readonly #ready: ReadyQueue;
  readonly #counts = threadMemory();
  readonly #link: ThreadLink;
  /** By number. */
  readonly #owners: (StreamOwner | undefined)[] = [];
  #streams = 0;
  readonly #freeNumbers: number[] = [];
  #numbers = 0;
  #lost = false;

  /** `streams`: the most it will ever have at once. */
  constructor(streams: number, link: LinkThread) {
    const ready = readyQueueMemory(streams);
    this.#ready = new ReadyQueue(ready);
    this.#link = link({ ready, counts: this.#counts }, { onReport: this.#onReport, onLost: this.#onLost });
  }

  get streams(): number {
    return this.#streams;
  }

  get isLost(): boolean {
    return this.#lost;
  }

  get counts(): ThreadCounts {
    return readThreadMemory(this.#counts, SLOT_MS);
  }

  /** A number for a stream, until the thread has said that it closed. */
  enter(owner: StreamOwner): number {
    const number = this.#freeNumbers.pop() ?? this.#numbers++;
    this.#owners[number] = owner;
    this.#streams++;
    this.#link.hold(1);
    return number;
  }

  post(command: HostCommand): void {
    if (!this.#lost) this.#link.post(command);
  }

  /** Resolves when it runs. */
  ready(): Promise<void> {
    return this.#link.ready;
  }

  async stop(): Promise<void> {
    if (this.#lost) return;
    this.#onLost(new Error('the engine is closed'));
    await this.#link.stop();
  }

  readonly #onReport = (report: HostReport): void => {
    if (report.type === 'wake') {
      this.#ready.wake();
      for (let number = this.#ready.take(); number >= 0; number = this.#ready.take()) this.#owners[number]?.onReady();
      return;
    }
    if (report.type === 'bound') {
      this.ahead?.onBound(report);
      return;
    }
    if (report.type === 'unbound') {
      this.ahead?.onRefused(report.port);
      return;
    }
    const owner = this.#owners[report.stream];
    if (report.type === 'closed' || report.type === 'refused') {
      this.#owners[report.stream] = undefined;
      this.#streams--;
      this.#freeNumbers.push(report.stream);
      this.#link.hold(-1);
    }
    owner?.onReport(report);
  };

  readonly #onLost = (error: Error): void => {
    if (this.#lost) return;
    this.#lost = true;
    this.ahead?.end();
    const owners = this.#owners.splice(0);
    this.#streams = 0;
    for (const owner of owners) owner?.onLost(error);
  };
}
