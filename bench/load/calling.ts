/** The generator, seen from the bench that uses it: started on its own core, asked, and ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { bundle } from '../bundle.js';
import type { Listened, Placed } from './crowd.js';
import type { Media } from './description.js';
import type { Order, Signalled } from './generator.js';
import { CALLER_CORE, on } from './machine.js';
import type { Callee } from './sip-caller.js';

let program: Promise<string> | undefined;

export class Calling {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve([{ error: 'the generator ended' }])));
  }

  /** A generator that calls `callee` from that address. */
  static async start(callee: Callee, host: string): Promise<Calling> {
    program ??= bundle('load/generator.ts');
    const command = [...on(CALLER_CORE), process.execPath, '--max-semi-space-size=32', await program];
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const calling = new Calling(child);
    await calling.#ask({ do: 'open', callee, host });
    return calling;
  }

  place(calls: number, perSecond: number, media: Media): Promise<Placed> {
    return this.#ask({ do: 'place', calls, perSecond, media }) as Promise<Placed>;
  }

  async hold(ms: number): Promise<void> {
    await this.#ask({ do: 'hold' });
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  report(): Promise<Listened> {
    return this.#ask({ do: 'report' }) as Promise<Listened>;
  }

  leave(): Promise<number> {
    return this.#ask({ do: 'leave' }) as Promise<number>;
  }

  signal(calls: number, perSecond: number): Promise<Signalled> {
    return this.#ask({ do: 'signal', calls, perSecond }) as Promise<Signalled>;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }

  async #ask(order: Order): Promise<unknown> {
    this.#child.send(order);
    const [said] = (await Promise.race([once(this.#child, 'message'), this.#ended])) as [{ answer?: unknown; error?: string }];
    if (said.error !== undefined) throw new Error(said.error);
    return said.answer;
  }
}
