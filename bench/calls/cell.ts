/** One figure of the table: so many calls to one peer, placed, held and hung up, and what both sides say of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Calling } from '../load/calling.js';
import type { Listened, Placed } from '../load/crowd.js';
import type { Media } from '../load/description.js';
import { usageOf } from '../load/machine.js';
import { type OtherName, startOther } from '../peers/others.js';
import { startOurs } from '../peers/ours.js';
import { CALLER_HOST, type OwnFigures, type Peer } from '../peers/peer.js';

export interface Work {
  readonly peer: 'sipbot' | 'floor' | OtherName;
  readonly calls: number;
  readonly media: Media;
  /** Of ours: what the bot hears and says. */
  readonly rate?: number;
  readonly threads?: number;
  readonly nodeFlags?: readonly string[];
  readonly holdMs: number;
  readonly perSecond: number;
}

export interface Cell {
  readonly peer: string;
  readonly version: string;
  readonly calls: number;
  readonly media: Media;
  readonly holdS: number;
  /** Percent of a core, all calls together, over the hold. */
  readonly core: number;
  /** Microseconds for a packet in and a packet out. */
  readonly pairUs: number;
  /** What the process grew by from before the calls to the end of the hold. */
  readonly kbPerCall: number;
  readonly placed: Placed;
  readonly heard: Listened;
  readonly unclean: number;
  readonly own: OwnFigures | undefined;
}

const WARM_UP_MS = 4000;
const TRIAL_CALLS = 10;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Undefined when the peer is not there, or does not do this. */
export async function measureCell(work: Work): Promise<Cell | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'sipbot-calls-'));
  const peer = await start(work, folder);
  if (peer === undefined) return undefined;
  const calling = await Calling.start(peer.callee, CALLER_HOST);
  try {
    return await hold(work, peer, calling);
  } finally {
    calling.stop();
    await peer.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function start({ peer, rate = 8000, threads = 1, media, nodeFlags = [] }: Work, folder: string): Promise<Peer | undefined> {
  if (peer === 'floor') return startOurs({ name: 'floor: bare sockets', as: 'floor' });
  if (peer !== 'sipbot') return startOther(peer, folder, media);
  const name = `sipbot ${rate / 1000} kHz${threads === 1 ? '' : `, threads ${threads}`}${nodeFlags.map((flag) => ` ${flag}`).join('')}`;
  return startOurs({ name, as: 'echo', sampleRate: rate as 8000, threads, nodeFlags });
}

async function hold(work: Work, peer: Peer, calling: Calling): Promise<Cell> {
  // Code is compiled, libraries are loaded: that is not a call's memory.
  await calling.place(TRIAL_CALLS, 100, work.media);
  await sleep(500);
  await calling.leave();
  await sleep(500);
  const empty = usageOf(peer.pid);
  const placed = await calling.place(work.calls, work.perSecond, work.media);
  await sleep(WARM_UP_MS);
  await peer.ownFigures?.();
  const before = usageOf(peer.pid);
  await calling.hold(work.holdMs);
  const after = usageOf(peer.pid);
  const heard = await calling.report();
  const own = await peer.ownFigures?.();
  const unclean = await calling.leave();
  const core = (100 * (after.cpuMs - before.cpuMs)) / (after.at - before.at);
  const { name, version } = peer;
  const { calls, media } = work;
  const kbPerCall = (after.rssKb - empty.rssKb) / calls;
  const pairUs = (core * 1e4) / (50 * placed.up);
  return { peer: name, version, calls, media, holdS: work.holdMs / 1000, core, pairUs, kbPerCall, placed, heard, unclean, own };
}
