/**
 * Every fuzz target: its seeds, some mutations of them, and whatever `npm run fuzz` found since (test/fuzz/findings). SIPBOT_FUZZ_RUNS sets how many
 * mutations; for campaigns there is the fuzzer itself, which learns.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { mutate } from './mutate.js';
import { targets } from './targets.js';

const folder = new URL('./findings/', import.meta.url);
const findings = readdirSync(folder).filter((name) => name.endsWith('.bin'));

let strays: unknown[] = [];
const onStray = (error: unknown): void => void strays.push(error);
beforeEach(() => {
  strays = [];
  process.on('unhandledRejection', onStray);
});
afterEach(() => {
  process.off('unhandledRejection', onStray);
});

describe.each(targets)('$name', (target) => {
  const quick = target.batch === 1 ? 30 : 400;
  const runs = Number(process.env['SIPBOT_FUZZ_RUNS'] ?? quick);

  test(`its seeds and ${runs} mutations of them: nothing throws`, { timeout: 60_000 + runs * 500 }, async () => {
    const random = new SeededRandom(42);
    for (let i = 0; i < runs; i++) {
      const seed = target.seeds[i % target.seeds.length]!;
      const input = i < target.seeds.length ? seed : mutate(seed, target.seeds, target.words, random);
      await target.run(Uint8Array.from(input));
      expect(strays).toEqual([]);
    }
  });

  test.each(findings.filter((name) => name.startsWith(`${target.name}-`)))('what was found once is found no more: %s', async (name) => {
    await target.run(Uint8Array.from(readFileSync(new URL(name, folder))));
    expect(strays).toEqual([]);
  });
});
