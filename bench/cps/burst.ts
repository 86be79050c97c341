/** So many calls, so many a second, each hung up as soon as it stands: how they went, and what they cost who answered. */
import type { Calling } from '../load/calling.js';
import type { Tail } from '../load/histogram.js';
import { usageOf } from '../load/machine.js';
import { startOther } from '../peers/others.js';
import { startOurs } from '../peers/ours.js';
import type { Peer } from '../peers/peer.js';

/** `media`: ours, with ports opened, a codec agreed on and a stream started for each call, as Asterisk does. */
export type SignallingPeer = 'sipbot' | 'media' | 'sipp' | 'asterisk';

export interface Burst {
  readonly tried: number;
  readonly failed: number;
  readonly resent: number;
  readonly cpuMsPerCall: number;
  readonly setup: Tail;
  readonly ownLate: Tail;
  readonly rssMb: number;
}

/** On one core the collector's helper threads only stand in the way of the one they help. */
const nodeFlags = ['--single-threaded-gc'];

/** Undefined when it is not installed here. */
export function startSignallingPeer(name: SignallingPeer, work: string): Promise<Peer | undefined> {
  switch (name) {
    case 'sipbot':
      return startOurs({ name: 'sipbot', as: 'signalling', nodeFlags });
    case 'media':
      return startOurs({ name: 'sipbot, media', as: 'answer', nodeFlags });
    default:
      return startOther(name, work, 'plain');
  }
}

export async function placeBurst(peer: Peer, calling: Calling, calls: number, perSecond: number): Promise<Burst> {
  const before = usageOf(peer.pid);
  const { up, failed, resent, setup, ownLate } = await calling.signal(calls, perSecond);
  const after = usageOf(peer.pid);
  const cpuMsPerCall = (after.cpuMs - before.cpuMs) / up;
  return { tried: calls, failed, resent, cpuMsPerCall, setup, ownLate, rssMb: Math.round(after.rssKb / 1000) };
}
