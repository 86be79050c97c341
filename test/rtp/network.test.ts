/** Must hold whatever the network does: the delay is near the best a buffer that knew the future could do, and comes down again. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { median, smallestFixedDelay, type Weather, weather } from './network-run.js';

const MINUTE = 60_000;
const FRAME_MS = 20;
const FLOOR_MS = 5;

const networks: Record<string, Omit<Weather, 'seed' | 'durationMs'>> = {
  'no jitter': {},
  'jitter 5 ms': { jitter: { ms: 5, kind: 'reordering' } },
  'jitter 20 ms, reordering': { jitter: { ms: 20, kind: 'reordering' } },
  'jitter 40 ms, in order': { jitter: { ms: 40, kind: 'queue' } },
  'jitter 80 ms, reordering': { jitter: { ms: 80, kind: 'reordering' } },
  'jitter 80 ms, spikes': { jitter: { ms: 80, kind: 'spikes' } },
  'jitter 150 ms, reordering': { jitter: { ms: 150, kind: 'reordering' } },
  'jitter 150 ms, in order': { jitter: { ms: 150, kind: 'queue' } },
  'jitter 150 ms, spikes': { jitter: { ms: 150, kind: 'spikes' } },
  'loss 2 %': { jitter: { ms: 10, kind: 'reordering' }, loss: { share: 0.02, burst: 1 } },
  'loss 5 % in bursts of 2': { jitter: { ms: 20, kind: 'reordering' }, loss: { share: 0.05, burst: 2 } },
  'loss 20 % in bursts of 4': { jitter: { ms: 20, kind: 'reordering' }, loss: { share: 0.2, burst: 4 } },
  'duplicates 10 %': { jitter: { ms: 40, kind: 'reordering' }, duplicates: 0.1 },
  'their clock 200 ppm fast': { jitter: { ms: 10, kind: 'queue' }, driftPpm: 200 },
  'their clock 200 ppm slow': { jitter: { ms: 10, kind: 'queue' }, driftPpm: -200 },
  'two seconds lost': { jitter: { ms: 20, kind: 'queue' }, outage: { atMs: 20_000, ms: 2000, fate: 'lost' } },
  'two seconds held back': { jitter: { ms: 20, kind: 'queue' }, outage: { atMs: 20_000, ms: 2000, fate: 'held' } },
  'all of it': { jitter: { ms: 80, kind: 'reordering' }, loss: { share: 0.05, burst: 2 }, duplicates: 0.03, driftPpm: 150 },
};
const rows: string[] = [];

describe('the adaptive delay over a minute of', () => {
  test.each(Object.entries(networks))(
    '%s: median at most 20 ms above the smallest fixed delay, from the floor up, that loses no more',
    (name, network) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const run = weather({ seed, durationMs: MINUTE, ...network });
        const adaptive = median(run.delays);
        // The floor is a choice of ours; where the network would need less, we are measured from there.
        const fixed = Math.max(FLOOR_MS, smallestFixedDelay(run));
        expect(adaptive - fixed, `seed ${seed}`).toBeLessThanOrEqual(20);
        if (seed === 1) {
          const { stats } = run.buffer;
          rows.push(
            `${name.padEnd(28)}${adaptive.toFixed(0).padStart(7)}${fixed.toFixed(0).padStart(7)}${((100 * run.lost) / run.sent).toFixed(1).padStart(7)}${((100 * run.late) / run.sent).toFixed(2).padStart(7)}${(100 * run.concealedShare).toFixed(1).padStart(7)}${run.longestGapMs.toFixed(0).padStart(7)}${stats.shrunkMs.toFixed(0).padStart(8)}${stats.stretchedMs.toFixed(0).padStart(8)}`,
          );
        }
      }
    },
  );

  test.each(Object.entries(networks))('%s, then calm: back at the floor within 10 s', (_, network) => {
    for (const seed of [1, 2]) {
      const calmFromMs = 25_000;
      const run = weather({ seed, durationMs: 45_000, ...network, calmFromMs });
      const since = (i: number) => run.heardAt[i]! - run.heardAt[0]! - calmFromMs;
      const after = run.delays.filter((_, i) => since(i) > 10_000);
      expect(after.length).toBeGreaterThan(100);
      // On the ticks' grid: the floor, and up to a tick above it.
      expect(Math.max(...after)).toBeLessThan(FLOOR_MS + FRAME_MS + 3);
      expect(run.buffer.targetMs).toBe(FLOOR_MS);
    }
  });

  test('the table', () => {
    const head = `${'network'.padEnd(28)}  delay  fixed  lost%  late% hidden%    gap  shrunk stretched`;
    if (process.env['SIPBOT_TABLES'] !== undefined) process.stdout.write(`\n${head}\n${rows.join('\n')}\n`);
    expect(rows).toHaveLength(Object.keys(networks).length);
  });
});

const RUNS = Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 200);

test('no packet is heard twice and none after a later one, whatever the network does', { timeout: 30_000 + 100 * RUNS }, () => {
  const share = fc.double({ min: 0, max: 0.3, noNaN: true });
  const networks = fc.record({
    seed: fc.nat(),
    durationMs: fc.constant(6000),
    packetMs: fc.constantFrom(10, 20, 30, 40, 60),
    frameMs: fc.constantFrom(10, 20, 30, 40, 60),
    jitter: fc.record({ ms: fc.integer({ min: 0, max: 500 }), kind: fc.constantFrom('reordering', 'queue', 'spikes') }),
    loss: fc.record({ share, burst: fc.integer({ min: 1, max: 10 }) }),
    duplicates: share,
    driftPpm: fc.integer({ min: -2000, max: 2000 }),
    outage: fc.record({
      atMs: fc.integer({ min: 500, max: 3000 }),
      ms: fc.integer({ min: 0, max: 3000 }),
      fate: fc.constantFrom('lost', 'held'),
    }),
  });
  fc.assert(
    fc.property(networks, (network) => {
      const run = weather(network as Weather);
      for (let i = 1; i < run.heard.length; i++) expect(run.heard[i]!).toBeGreaterThan(run.heard[i - 1]!);
      expect(run.buffer.delayMs).toBeLessThanOrEqual(300 + 2 * network.frameMs + network.packetMs);
    }),
    { numRuns: RUNS },
  );
});

test('old packets that trickle in for long are not taken for a sender that began anew', () => {
  // Found by the property: jitter beyond the cap, a network that holds back what it has, and a run of eight that were merely late were believed.
  const run = weather({
    seed: 2147475443,
    durationMs: 6000,
    packetMs: 10,
    frameMs: 60,
    jitter: { ms: 435, kind: 'reordering' },
    outage: { atMs: 1941, ms: 736, fate: 'held' },
  });
  expect(run.heard).toEqual([...run.heard].sort((a, b) => a - b));
});
