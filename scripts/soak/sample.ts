/** What a process holds at one moment: memory, handles, timers, the library's tables, and how many of its objects are alive. */
import { readdirSync } from 'node:fs';
import { queryObjects } from 'node:v8';
import { Call, Playout, Recording, type SipBot } from 'sipbot';
import { MediaStream } from '../../src/rtp/media-stream.js';
import { CallSession } from '../../src/session/call-session.js';
import { Dialog } from '../../src/sip/dialog/dialog.js';

/** Each is one number that may rise and fall with the load, and must come back. */
export interface Sample {
  readonly rssMb: number;
  readonly heapMb: number;
  readonly externalMb: number;
  readonly fileDescriptors: number;
  readonly handles: number;
  readonly nodeTimers: number;
  readonly calls: number;
  readonly dialogs: number;
  readonly requests: number;
  readonly transactions: number;
  readonly timers: number;
  readonly ports: number;
  readonly streams: number;
  readonly liveCalls: number;
  readonly liveSessions: number;
  readonly liveDialogs: number;
  readonly liveStreams: number;
  readonly liveSounds: number;
}

export type Series = keyof Sample;

const MB = 1024 * 1024;

/** RSS as it is; the rest after a full collection, so that what is counted is what is held. */
export function takeSample(bot: SipBot): Sample {
  const rssMb = process.memoryUsage.rss() / MB;
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const nodeTimers = resources.filter((name) => name === 'Timeout').length;
  const { calls, signalling, media } = bot.stats();
  const { transactions, dialogs, requests, timers } = signalling;
  return {
    rssMb,
    heapMb: heapUsed / MB,
    externalMb: external / MB,
    fileDescriptors: readdirSync('/proc/self/fd').length,
    handles: resources.length - nodeTimers,
    nodeTimers,
    calls,
    dialogs,
    requests,
    transactions: transactions.clients + transactions.servers,
    timers,
    ports: media.ports.used,
    streams: media.threads.reduce((sum, { streams }) => sum + streams, 0),
    liveCalls: count(Call),
    liveSessions: count(CallSession),
    liveDialogs: count(Dialog),
    liveStreams: count(MediaStream),
    liveSounds: count(Recording) + count(Playout),
  };
}

/** How many are still held by anything at all. */
function count(ofClass: { readonly prototype: object }): number {
  return queryObjects(ofClass as never, { format: 'count' });
}
