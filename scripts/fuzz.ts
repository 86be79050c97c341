/**
 * `npm run fuzz -- [--minutes 10] [--target message,agent] [--seed N] [--out fuzz-findings]`: coverage-guided mutation of every target of test/fuzz, a
 * slice of time each, one process. What throws, rejects or hangs is written to --out and fails the run; kept in test/fuzz/findings it is a test.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../src/testing/seeded-random.js';
import { mutate } from '../test/fuzz/mutate.js';
import type { Target } from '../test/fuzz/target.js';
import { targets } from '../test/fuzz/targets.js';
import { Coverage } from './fuzz/coverage.js';

/** A case that takes so much of the processor has hung, or as good as. */
const SLOW_MS = 5000;
const MOST_INPUTS = 4000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    target: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    out: { type: 'string', default: 'fuzz-findings' },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error('--minutes is a number above 0');
const wanted = values.target === '' ? targets : targets.filter(({ name }) => values.target.split(',').includes(name));
if (wanted.length === 0) throw new Error(`--target: any of ${targets.map(({ name }) => name).join(', ')}`);

let stray: unknown;
process.on('unhandledRejection', (error) => {
  stray = error;
});
process.on('uncaughtException', (error) => {
  stray = error;
});

const random = new SeededRandom(Number(values.seed));
const coverage = new Coverage();

class Campaign {
  readonly target: Target;
  readonly corpus: Uint8Array[];
  readonly found = new Set<string>();
  cases = 0;
  /** Of the processor: by the clock a process of the lowest priority may stand still. */
  seconds = 0;

  constructor(target: Target) {
    this.target = target;
    this.corpus = [...target.seeds];
  }

  async run(forMs: number): Promise<void> {
    const began = performance.now();
    const spent = process.cpuUsage();
    if (this.cases === 0) {
      for (const seed of this.target.seeds) await this.#try(seed);
      this.cases = this.target.seeds.length;
    }
    coverage.fresh();
    while (performance.now() - began < forMs) {
      const batch = Array.from({ length: this.target.batch ?? 32 }, () => this.#next());
      for (const input of batch) await this.#try(input);
      this.cases += batch.length;
      const fresh = coverage.fresh();
      if (fresh.size > 0) await this.#learn(batch, fresh);
    }
    const { user, system } = process.cpuUsage(spent);
    this.seconds += (user + system) / 1e6;
  }

  /** The newest are tried more often. */
  #next(): Uint8Array {
    const { corpus } = this;
    const at =
      random.uint32() % 3 === 0 ? corpus.length - 1 - (random.uint32() % Math.min(32, corpus.length)) : random.uint32() % corpus.length;
    return mutate(corpus[at]!, corpus, this.target.words, random);
  }

  /** Finds those that ran something new, by halves, and keeps them. */
  async #learn(batch: readonly Uint8Array[], fresh: Set<string>): Promise<void> {
    if (batch.length === 1) {
      if (this.corpus.length < MOST_INPUTS) this.corpus.push(batch[0]!);
      return;
    }
    const middle = batch.length >> 1;
    for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
      coverage.take();
      for (const input of half) await this.#try(input);
      const ran = coverage.take();
      const here = new Set([...fresh].filter((block) => ran.has(block)));
      for (const block of here) fresh.delete(block);
      if (here.size > 0) await this.#learn(half, here);
    }
  }

  async #try(input: Uint8Array): Promise<void> {
    const began = process.cpuUsage();
    try {
      // A target must not keep what it was given.
      const done = this.target.run(Uint8Array.from(input));
      if (done !== undefined) await done;
      if (stray !== undefined) throw stray;
      const { user, system } = process.cpuUsage(began);
      if (user + system > SLOW_MS * 1000) throw new Error(`took ${Math.round((user + system) / 1000)} ms of the processor`);
    } catch (error) {
      this.#found(input, error);
    } finally {
      stray = undefined;
    }
  }

  #found(input: Uint8Array, error: unknown): void {
    const text = error instanceof Error ? `${error.stack}` : String(error);
    // The same place is the same finding.
    const place = text.split('\n').find((line) => line.includes('/src/') || line.includes('/test/fuzz/')) ?? text.slice(0, 80);
    const key = `${text.split('\n')[0]!.replace(/\d+/g, '#').slice(0, 60)} ${place}`;
    if (this.found.has(key)) return;
    this.found.add(key);
    const name = `${this.target.name}-${createHash('sha1').update(input).digest('hex').slice(0, 10)}.bin`;
    mkdirSync(values.out, { recursive: true });
    writeFileSync(join(values.out, name), input);
    writeFileSync(join(values.out, `${name}.txt`), `${text}\n`);
    console.log(`FOUND ${name}: ${text.split('\n').slice(0, 4).join('\n  ')}`);
  }
}

const campaigns = wanted.map((target) => new Campaign(target));
const until = performance.now() + minutes * 60_000;
const slice = Math.min(30_000, (minutes * 60_000) / campaigns.length);
console.log(`seed ${values.seed}, ${minutes} minutes, ${campaigns.length} targets`);
for (let turn = 0; performance.now() < until; turn++) {
  const campaign = campaigns[turn % campaigns.length]!;
  await campaign.run(Math.min(slice * (campaign.target.share ?? 1), until - performance.now()));
  if (turn % campaigns.length === campaigns.length - 1) report();
}
report();
process.exit(campaigns.some(({ found }) => found.size > 0) ? 1 : 0);

function report(): void {
  console.log('\n| target | processor hours | cases | corpus | findings |\n|---|---:|---:|---:|---:|');
  for (const { target, seconds, cases, corpus, found } of campaigns)
    console.log(`| ${target.name} | ${(seconds / 3600).toFixed(2)} | ${cases} | ${corpus.length} | ${found.size} |`);
  console.log(`${coverage.blocks} blocks of the library ran`);
}
