/** A terminal that remembers: what a command says, and a hand on the switch that ends it. */
import type { Terminal } from '../../src/cli/terminal.js';
import { run } from '../../src/cli.js';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly notes: string;
}

export class CaptureTerminal implements Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly #ending = new AbortController();
  readonly #watchers = new Set<() => void>();
  said = '';
  noted = '';

  constructor(env: Readonly<Record<string, string | undefined>> = {}) {
    this.env = env;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  out(text: string): void {
    this.said += `${text}\n`;
    for (const tell of this.#watchers) tell();
  }

  note(text: string): void {
    this.noted += `${text}\n`;
    for (const tell of this.#watchers) tell();
  }

  /** As SIGTERM does. */
  end(): void {
    this.#ending.abort();
  }

  /** Resolves when that has been said or noted. */
  saw(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = pattern.exec(this.said) ?? pattern.exec(this.noted);
        if (found === null) return;
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  async run(...args: string[]): Promise<Ran> {
    const code = await run(args, this);
    return { code, out: this.said, notes: this.noted };
  }
}

export function sipbot(...args: string[]): Promise<Ran> {
  return new CaptureTerminal().run(...args);
}
