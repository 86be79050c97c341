/** What a jitter buffer may be told. */
import { OptionError } from '../errors.js';

export interface JitterOptions {
  /** Ticks of the RTP timestamp in a second: 8000 for G.722, 48000 for Opus. */
  readonly clockRate: number;
  /** How often `take` is asked. @default 20 */
  readonly frameMs: number;
  /** The delay never aims lower. @default 5 */
  readonly minDelayMs: number;
  /** The delay never goes higher: what comes later than that is lost. @default 300 */
  readonly maxDelayMs: number;
  /** The delay aimed at until the first packets have shown the jitter. @default 20 */
  readonly initialDelayMs: number;
  /** How many packets can wait: a power of two. @default 32, 320 ms of the shortest packets */
  readonly slots: number;
}

export type JitterBufferOptions = Partial<JitterOptions> & { readonly clockRate: number };

/** A clock rate is always given. */
const DEFAULTS = { clockRate: 0, frameMs: 20, minDelayMs: 5, maxDelayMs: 300, initialDelayMs: 20, slots: 32 } satisfies JitterOptions;

export const usualSlots = DEFAULTS.slots;

/** All of them, or the error that says which is wrong. */
export function checkedJitter(options: JitterBufferOptions): JitterOptions {
  const all = { ...DEFAULTS, ...options };
  const { clockRate, frameMs, minDelayMs, maxDelayMs, slots } = all;
  if (!(clockRate > 0)) throw new OptionError('clockRate', 'ticks per second, above zero');
  if (!(frameMs > 0)) throw new OptionError('frameMs', 'milliseconds, above zero');
  if (!(minDelayMs >= 0 && minDelayMs <= maxDelayMs)) throw new OptionError('minDelayMs', 'milliseconds, from zero to maxDelayMs');
  if (!Number.isInteger(Math.log2(slots)) || slots > 4096) throw new OptionError('slots', 'a power of two, at most 4096');
  return all;
}
