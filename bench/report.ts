/** How every bench ends: a table on the terminal, and `results/NAME.json` with the machine and the versions it was made with. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const packageFile = new URL('../package.json', import.meta.url);

function revision(): string | undefined {
  const { status, stdout } = spawnSync('git', ['-C', new URL('.', import.meta.url).pathname, 'describe', '--always', '--dirty'], {
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : undefined;
}

export const machine = () => ({
  date: new Date().toISOString(),
  sipbot: (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version,
  revision: revision(),
  node: process.version,
  v8: process.versions.v8,
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
});

/** Of packages of npm, from where they are installed: for the benches alone, or for the project. */
export function versionsOf(names: readonly string[]): Record<string, string> {
  const folders = ['./node_modules/', '../node_modules/'].map((folder) => new URL(folder, import.meta.url));
  return Object.fromEntries(
    names.map((name) => {
      const found = folders.map((folder) => new URL(`${name}/package.json`, folder)).find((path) => existsSync(path));
      return [name, found === undefined ? '?' : (JSON.parse(readFileSync(found, 'utf8')) as { version: string }).version];
    }),
  );
}

/** `versions`: of those that were measured beside ours. */
export function save(name: string, results: unknown, versions: Readonly<Record<string, string>> = {}): void {
  const folder = new URL('./results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify({ machine: machine(), versions, results }, undefined, 2)}\n`);
  console.log(`\nbench/results/${name}.json`);
}

/** Markdown, so that it can be pasted; columns as wide as their widest cell. */
export class Table {
  readonly #widths: readonly number[];

  constructor(heads: readonly string[]) {
    this.#widths = heads.map(({ length }) => Math.max(length, 6));
    this.row(heads);
    console.log(`|${this.#widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  }

  row(cells: readonly (string | number)[]): void {
    console.log(`| ${cells.map((cell, i) => String(cell).padEnd(this.#widths[i]!)).join(' | ')} |`);
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
