/** What a command is, and how its command line is read: node:util's parseArgs, and the few kinds of value that it does not know. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Terminal } from './terminal.js';

export interface Command {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly usage: string;
  /** Resolves with the exit code. Throws UsageError, and what SipBot throws. */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {}

type Flags = NonNullable<ParseArgsConfig['options']>;

/** The values of the flags, and exactly so many words beside them. */
export function readArgs<const F extends Flags>(
  args: readonly string[],
  flags: F,
  words: { readonly min: number; readonly max: number; readonly what: string },
) {
  const { values, positionals } = parseArgs({ args: [...args], options: flags, allowPositionals: true, strict: true });
  if (positionals.length < words.min) throw new UsageError(`${words.what} is missing.`);
  if (positionals.length > words.max)
    throw new UsageError(words.max === 0 ? 'This command takes options only.' : `Only one ${words.what}, please.`);
  return { values, words: positionals };
}

export function numberOf(
  flag: string,
  text: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max)
    throw new UsageError(`--${flag} takes a number from ${min} to ${max}.`);
  return value;
}

export function oneOf<T extends string>(flag: string, text: string | undefined, values: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const found = values.find((value) => value === text);
  if (found === undefined) throw new UsageError(`--${flag} takes one of ${values.join(', ')}.`);
  return found;
}
