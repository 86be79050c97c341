/** A process of `child.ts`: what it says, as it says it. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { later, until } from './bots.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const child = fileURLToPath(new URL('./child.ts', import.meta.url));

export type Fact = Readonly<Record<string, unknown>>;

export interface ChildOptions {
  readonly port?: number;
  readonly bot?: object;
  /** Put before the command: `sh -c 'ulimit …; exec "$@"' -`. */
  readonly wrapper?: readonly string[];
}

export class Child {
  readonly facts: Fact[] = [];
  readonly #process: ChildProcessWithoutNullStreams;
  #errors = '';

  constructor({ port = 0, bot = {}, wrapper = [] }: ChildOptions) {
    const command = [...wrapper, process.execPath, '--import', 'tsx', child, String(port), JSON.stringify(bot)];
    this.#process = spawn(command[0]!, command.slice(1), { cwd: root });
    let rest = '';
    this.#process.stdout.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith('{')) this.facts.push(JSON.parse(line) as Fact);
        else this.#errors += `${line}\n`;
      }
    });
    this.#process.stderr.on('data', (bytes: Buffer) => {
      this.#errors = (this.#errors + bytes).slice(-4000);
    });
    this.#process.stdin.on('error', () => {});
    later(() => this.#process.kill('SIGKILL'));
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get exitCode(): number | null {
    return this.#process.exitCode;
  }

  /** The first fact of that name that has not been asked for yet. */
  async says(name: string, limitMs = 30_000): Promise<Fact> {
    let at = -1;
    await until(
      () => {
        at = this.facts.findIndex((fact) => name in fact);
        return at >= 0;
      },
      `the child says '${name}' (it said ${JSON.stringify(this.facts)}; ${this.#errors})`,
      limitMs,
    );
    return this.facts.splice(at, 1)[0]!;
  }

  async listening(): Promise<number> {
    return (await this.says('listening')).listening as number;
  }

  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  exited(): Promise<number | null> {
    return new Promise((resolve) => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) resolve(this.#process.exitCode);
      else this.#process.once('exit', (code) => resolve(code));
    });
  }
}

/** Whether this system lets us have a network, and a root, of our own. */
export const hasNamespaces = process.platform === 'linux' && spawnSync('unshare', ['-rnm', 'true']).status === 0;

/** Runs the child in a network and a root of its own, after `setup`. */
export function alone(setup: string): readonly string[] {
  return ['unshare', '-rnm', 'sh', '-c', `${setup}; exec "$@"`, 'sh'];
}
