import { expect, test } from 'vitest';
import { nonInviteTrying, resolveTimers } from '../../../src/sip/transaction/timers.js';

test('RFC 3261 Table 4 and RFC 6026 §8.11: the defaults', () => {
  expect(resolveTimers()).toEqual({
    ...{ T1: 500, T2: 4000, T4: 5000 },
    ...{
      A: 500,
      B: 32_000,
      C: 600_000,
      D: 32_000,
      E: 500,
      F: 32_000,
      G: 500,
      H: 32_000,
      I: 5000,
      J: 32_000,
      K: 5000,
      L: 32_000,
      M: 32_000,
    },
    trying: 200,
  });
});

test('what is derived from T1 and T4 follows them; what is given stands; undefined is not given', () => {
  expect(resolveTimers({ T1: 100, T4: 1000, F: 5, L: undefined } as object)).toMatchObject({
    ...{ A: 100, B: 6400, D: 32_000, E: 100, F: 5, H: 6400, I: 1000, J: 6400, K: 1000, L: 6400, M: 6400 },
  });
});

test('what would resend without a pause, or is no time at all, is refused by name', () => {
  for (const [options, name] of [
    [{ T1: 0 }, 'timers.T1'],
    [{ A: 0 }, 'timers.A'],
    [{ E: 0 }, 'timers.E'],
    [{ G: 0 }, 'timers.G'],
    [{ T2: 100 }, 'timers.T2'],
    [{ H: -1 }, 'timers.H'],
    [{ K: Number.NaN }, 'timers.K'],
    [{ M: Number.POSITIVE_INFINITY }, 'timers.M'],
  ] as const)
    expect(() => resolveTimers(options)).toThrow(expect.objectContaining({ code: 'ERR_OPTION', option: name }));
});

test('RFC 4320 §4.1: when Timer E has been reset to T2', () => {
  expect(nonInviteTrying(resolveTimers())).toBe(3500);
  expect(nonInviteTrying(resolveTimers({ T1: 1000 }))).toBe(3000);
  expect(nonInviteTrying(resolveTimers({ T1: 4000 }))).toBe(0);
});
