/** Who is where on the loopback, and what the processes of the attack run tell each other. */
import type { GuardCounters } from '../../src/sip/ua/guard/guard.js';

/** Of the loopback, in the /24 that this run has for itself. */
export const address = (host: number): string => `${process.env.SIPBOT_INTEROP_NET ?? '127.0.0'}.${host}`;
export const BOT = address(50);
export const HONEST = address(60);
export const USER = '7001';
export const PASSWORD = 'pw7014';
export const CALLS = 50;

export interface BotReport {
  readonly calls: number;
  /** Calls that ended otherwise than by a BYE. */
  readonly ended: readonly string[];
  readonly lost: number;
  readonly late: number;
  /** Lost by all calls but the one that lost most. */
  readonly lostElsewhere: number;
  readonly concealedMs: number;
  readonly skipped: number;
  readonly foreign: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** The longest that the application's thread did not come back to its timers, since the last report. */
  readonly blockedMs: number;
  readonly departureP99: number;
  /** SIP datagrams and messages that reached the process, looked at or not. */
  readonly taken: number;
  readonly answered: number;
  readonly transactions: number;
  readonly connections: number;
  readonly guard: GuardCounters;
  readonly refused: number;
  readonly warnings: number;
}

/** What the honest callers heard since they were last asked. */
export interface CallerReport {
  readonly calls: number;
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  /** Arrivals after the ideal line of their stream, in ms. */
  readonly lateP99: number;
  readonly lateMax: number;
  /** How late the callers themselves sent. */
  readonly ownP99: number;
  /** Where the bot's media of the first call is. */
  readonly rtpPort: number;
}

export type FloodKind = 'rtp' | 'odd-sizes' | 'rtcp-lies' | 'many-sources' | 'slow-loris';

export interface FloodStart {
  readonly kind: FloodKind;
  readonly perS: number;
  readonly port: number;
  readonly seconds: number;
}
