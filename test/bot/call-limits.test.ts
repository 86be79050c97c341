import { expect, test } from 'vitest';
import { CallLimits } from '../../src/bot/call-limits.js';

test('in all, of one source, of one account; each free again when its call ends', () => {
  const limits = new CallLimits<string>({ maxCalls: 4, maxCallsPerSource: 2, maxCallsPerAccount: 3 });
  limits.begin('1', { source: 'a', account: 'x' });
  limits.begin('1', { source: 'b', account: 'y' });
  limits.begin('2', { source: 'a', account: 'x' });
  expect(limits.whyNot({ source: 'a', account: 'x' })).toBe('maxCallsPerSource');
  expect(limits.whyNot({ source: 'b', account: 'x' })).toBeUndefined();
  limits.begin('3', { account: 'x' });
  expect(limits.whyNot({ source: 'b', account: 'x' })).toBe('maxCallsPerAccount');
  expect(limits.whyNot({ source: 'b', account: 'y' })).toBeUndefined();
  limits.begin('4', {});
  expect(limits.whyNot({})).toBe('maxCalls');
  for (const call of ['1', '2', '3', '4', '4', '5']) limits.end(call);
  expect(limits.whyNot({ source: 'a', account: 'x' })).toBeUndefined();
});
