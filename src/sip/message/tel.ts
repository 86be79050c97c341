/** When two telephone numbers are the same, RFC 3966 §4 and §5. */
import type { Params } from './params.js';

interface Tel {
  readonly user: string | undefined;
  readonly params: Params;
}

/** The digits alone: visual separators mean nothing (§3, §5.1.1). */
export const plainNumber = (number: string): string => number.replace(/[-.()]/g, '').toLowerCase();

/** §4: numbers without their separators, and all parameters, in any order; ext and phone-context hold numbers too. */
export const sameTel = (a: Tel, b: Tel): boolean => {
  if (plainNumber(a.user ?? '') !== plainNumber(b.user ?? '') || a.params.size !== b.params.size) return false;
  return a.params.entries.every(([name]) => {
    const [left, right] = [a.params.get(name)!, b.params.get(name)];
    if (right === undefined) return false;
    const isNumber = name.toLowerCase() === 'ext' || (name.toLowerCase() === 'phone-context' && left.startsWith('+'));
    return isNumber ? plainNumber(left) === plainNumber(right) : left.toLowerCase() === right.toLowerCase();
  });
};
