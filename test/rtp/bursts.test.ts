import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GMIN, LossBursts } from '../../src/rtp/bursts.js';

const IN_SIGHT = 32;

/** `1` came, anything else did not. Enough follow for all of the pattern to be judged, and no more. */
function play(pattern: string): LossBursts {
  const bursts = new LossBursts();
  let step = 1;
  for (const packet of pattern + '1'.repeat(IN_SIGHT)) {
    if (packet === '1') {
      bursts.onNewest(step);
      step = 1;
    } else step++;
  }
  return bursts;
}

describe('bursts and gaps, RFC 3611 §4.7.2', () => {
  test('the example: a burst of 12 packets, 4 of them lost or discarded, between gaps of 23 and 28', () => {
    const figures = play('11110111111111111111111X111X1011110111111111111111111X111111111').figures();
    expect(figures.burstLength).toBe(12);
    expect(figures.burstDensity).toBeCloseTo(4 / 12);
    expect(figures.gapLength).toBe(23 + 28);
    expect(figures.gapDensity).toBeCloseTo(2 / 51);
  });

  test('nothing lost, nothing received: no burst, and a gap as long as what was heard', () => {
    expect(new LossBursts().figures()).toEqual({ burstDensity: 0, gapDensity: 0, burstLength: 0, gapLength: 0 });
    expect(play('1'.repeat(100)).figures()).toEqual({ burstDensity: 0, gapDensity: 0, burstLength: 0, gapLength: 100 });
  });

  test(`two losses with ${GMIN - 1} packets between them are a burst, with ${GMIN} they are not`, () => {
    const apart = (count: number) => play(`${'1'.repeat(40)}0${'1'.repeat(count)}0${'1'.repeat(40)}`).figures();
    expect(apart(GMIN - 1).burstLength).toBe(GMIN + 1);
    expect(apart(GMIN).burstLength).toBe(0);
    expect(apart(GMIN).gapDensity).toBeCloseTo(2 / (80 + GMIN + 2));
  });

  test('a packet that comes late, within 31, was not lost', () => {
    const bursts = new LossBursts();
    bursts.onNewest(1);
    bursts.onNewest(3);
    for (let i = 0; i < 28; i++) bursts.onNewest(1);
    bursts.onBelated(29);
    bursts.onBelated(30);
    bursts.onBelated(60);
    for (let i = 0; i < 32; i++) bursts.onNewest(1);
    expect(bursts.figures()).toMatchObject({ burstDensity: 0, gapDensity: 0 });
  });

  test('agrees with the definition read slowly, for any pattern', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: fc.constant('1') }, fc.constant('0')), { maxLength: 300 }), (packets) => {
        const pattern = `1${packets.join('')}`;
        // §4.7.2: from loss to loss, with fewer than Gmin received in a row between them.
        const groups = [...pattern.matchAll(/0(?:1{0,15}0)*/g)].map((match) => match[0]);
        const burstPackets = groups.filter((group) => group.length > 1);
        const sum = (texts: readonly string[], digit: RegExp) => texts.join('').replaceAll(digit, '').length;
        const burstLength = sum(burstPackets, /x/g);
        const burstLosses = sum(burstPackets, /1/g);
        const gapLength = pattern.length - burstLength;
        const gapLosses = groups.length - burstPackets.length;
        const figures = play(pattern).figures();
        expect(figures.burstLength).toBeCloseTo(burstPackets.length === 0 ? 0 : burstLength / burstPackets.length);
        expect(figures.burstDensity).toBeCloseTo(burstLength === 0 ? 0 : burstLosses / burstLength);
        expect(figures.gapDensity).toBeCloseTo(gapLength === 0 ? 0 : gapLosses / gapLength);
        expect(figures.gapLength).toBeCloseTo(gapLength / Math.max(1, burstPackets.length));
      }),
    );
  });
});
