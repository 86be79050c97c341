/** The timers of RFC 3261 Table 4 and RFC 6026 §8.11: defaults derived from T1, T2 and T4 as the RFCs derive them, each of them an option. */
import { OptionError } from '../../errors.js';

/** All in milliseconds. */
export interface Timers {
  /** Estimate of the round-trip time. @default 500 */
  readonly T1: number;
  /** Longest interval between retransmissions of a non-INVITE request or an INVITE response. @default 4000 */
  readonly T2: number;
  /** Longest a message stays in the network. @default 5000 */
  readonly T4: number;
  /** INVITE client: first retransmission interval, doubled each time. @default T1 */
  readonly A: number;
  /** INVITE client: until a first response. @default 64*T1 */
  readonly B: number;
  /** INVITE client: ringing without a sign of life, then CANCEL (§16.6 step 11, where it is a proxy's: more than 3 minutes). @default 10 minutes */
  readonly C: number;
  /** INVITE client: resent finals are ACKed so long, unreliable only. @default 32 s, or 64*T1 where that is longer */
  readonly D: number;
  /** Non-INVITE client: first retransmission interval, doubled up to T2. @default T1 */
  readonly E: number;
  /** Non-INVITE client: until a final response. @default 64*T1 */
  readonly F: number;
  /** INVITE server: first interval at which a final is resent, doubled up to T2. @default T1 */
  readonly G: number;
  /** INVITE server: until the ACK. @default 64*T1 */
  readonly H: number;
  /** INVITE server: resent ACKs are absorbed so long, unreliable only. @default T4 */
  readonly I: number;
  /** Non-INVITE server: resent requests are answered so long, unreliable only. @default 64*T1 */
  readonly J: number;
  /** Non-INVITE client: resent finals are absorbed so long, unreliable only. @default T4 */
  readonly K: number;
  /** INVITE server: resent INVITEs are absorbed so long after a 2xx. @default 64*T1 */
  readonly L: number;
  /** INVITE client: further 2xx are taken so long. @default 64*T1 */
  readonly M: number;
  /** §17.2.1: an INVITE without any answer for so long gets a 100. 0: at once. @default 200 */
  readonly trying: number;
}

export type TimerOptions = Partial<Timers>;

export function resolveTimers(options: TimerOptions = {}): Timers {
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !(value >= 0 && value < 2 ** 31)) throw new OptionError(`timers.${name}`, 'milliseconds, 0 or more');
  const T1 = options.T1 ?? 500;
  const T2 = options.T2 ?? 4000;
  const T4 = options.T4 ?? 5000;
  if (T1 === 0) throw new OptionError('timers.T1', 'more than 0: retransmissions would never pause');
  if (T2 < T1) throw new OptionError('timers.T2', 'not less than T1');
  const defaults = {
    T1,
    T2,
    T4,
    A: T1,
    B: 64 * T1,
    C: 600_000,
    D: Math.max(32_000, 64 * T1),
    E: T1,
    F: 64 * T1,
    G: T1,
    H: 64 * T1,
    I: T4,
    J: 64 * T1,
    K: T4,
    L: 64 * T1,
    M: 64 * T1,
    trying: 200,
  } satisfies Timers;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const timers: Timers = { ...defaults, ...given };
  for (const name of ['A', 'E', 'G'] as const)
    if (timers[name] === 0) throw new OptionError(`timers.${name}`, 'more than 0: retransmissions would never pause');
  return timers;
}

/** RFC 4320 §4.1: how long a client takes until its Timer E is reset to T2; before that no 100 to a non-INVITE over UDP. 3500 by default. */
export function nonInviteTrying(timers: Timers): number {
  let at = 0;
  let interval = timers.E;
  while (interval < timers.T2) {
    at += interval;
    interval *= 2;
  }
  return at;
}
