import { describe, expect, test } from 'vitest';
import { type G722Mode, HigherBand, LowerBand } from '../../src/codec/g722-band.js';
import { dataFolder, readData } from './signals.js';

// Words of the sequences are big endian; bit 0 resets both bands (ITU-T G.722 Appendix II §II.3).
function words(file: string): Uint16Array {
  const bytes = readData(`codec-g722-appendix2/${file}`);
  return Uint16Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(2 * i));
}

function run(input: Uint16Array, reset: () => void, step: (word: number) => number): number[] {
  return Array.from(input, (word) => {
    if ((word & 1) === 0) return step(word) & 0xffff;
    reset();
    return 1;
  });
}

describe.skipIf(!dataFolder)('ITU-T G.722 Appendix II, every word of every sequence (needs SIPBOT_TEST_DATA)', () => {
  test.each([
    ['bt1c1.xmt', 'bt2r1.cod'],
    ['bt1c2.xmt', 'bt2r2.cod'],
  ])('encode %s is %s', (file, expected) => {
    const lower = new LowerBand();
    const higher = new HigherBand();
    const coded = run(
      words(file),
      () => [lower.reset(), higher.reset()],
      (word) => {
        const sample = (word << 16) >> 17;
        return (higher.encode(sample) << 14) | (lower.encode(sample) << 8);
      },
    );
    expect(coded).toEqual([...words(expected)]);
  });

  test.each(
    (
      [
        ['bt2r1.cod', '1'],
        ['bt2r2.cod', '2'],
        ['bt1d3.cod', '3'],
      ] as const
    ).flatMap(([file, n]) => ([1, 2, 3] as const).map((mode) => [file, mode, `bt3l${n}.rc${mode}`, `bt3h${n}.rc0`] as const)),
  )('decode %s in mode %i is %s and %s', (file, mode: G722Mode, lowFile, highFile) => {
    const lower = new LowerBand();
    const higher = new HigherBand();
    const input = words(file);
    expect(
      run(
        input,
        () => lower.reset(),
        (word) => lower.decode((word >> 8) & 63, mode) << 1,
      ),
    ).toEqual([...words(lowFile)]);
    expect(
      run(
        input,
        () => higher.reset(),
        (word) => higher.decode(word >> 14) << 1,
      ),
    ).toEqual([...words(highFile)]);
  });
});
