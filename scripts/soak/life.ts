/** What the soak does with a call: a random life of random actions, at either end. Nothing here is asked of the far end: whatever it does is right. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, Conference, sineTone } from 'sipbot';
import type { Random } from '../../src/random.js';

export interface Surroundings {
  readonly random: Random;
  /** Where a transfer may go. */
  readonly elsewhere: () => string;
  /** The other calls that are up. */
  readonly others: (call: Call) => readonly Call[];
  /** An action was tried, and what became of it. */
  readonly tell: (action: string, error: unknown) => void;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Action = (call: Call, around: Surroundings) => unknown;

const ACTIONS: Readonly<Record<string, Action>> = {
  hold: async (call, { random }) => {
    await call.hold();
    await pause(200 + 1500 * random.fraction());
    await call.resume();
  },
  dtmf: (call) => call.sendDtmf('12#'),
  'dtmf by INFO': (call) => call.sendDtmf('7', { via: 'info' }),
  message: (call) => call.message('still there?'),
  play: (call) => call.play(sineTone(440, 800)).done,
  'play and interrupt': async (call) => {
    const playout = call.play(sineTone(600, 3000), { mode: 'replace' });
    await pause(300);
    playout.interrupt();
    await playout.done;
  },
  'play underneath': (call) => call.play(sineTone(300, 1000), { mode: 'mix' }).done,
  'write and clear': async (call) => {
    call.audio.write(new Int16Array(16_000));
    await pause(200);
    call.audio.clear();
    await call.audio.drained();
  },
  gather: (call) => call.gather({ max: 2, timeoutMs: 1500 }),
  record: async (call, { random }) => {
    const path = join(tmpdir(), `sipbot-soak-${randomUUID()}.wav`);
    const recording = call.record(path, { stereo: random.fraction() < 0.5 });
    await pause(500 + 3000 * random.fraction());
    await recording.stop().finally(() => rm(path, { force: true }));
  },
  listen: async (call) => {
    let left = 50;
    for await (const frame of call.audio) if (frame.samples.length === 0 || --left === 0) break;
  },
  speech: async (call) => {
    const heard = (): void => {};
    call.on('speechStart', heard);
    await pause(1000);
    call.off('speechStart', heard);
  },
  bridge: async (call, { others }) => {
    const [other] = others(call);
    if (other === undefined) return;
    const bridge = await call.bridge(other);
    await pause(1000);
    bridge.stop();
  },
  conference: async (call, { others }) => {
    const room = new Conference();
    const members = [call, ...others(call).slice(0, 2)];
    for (const member of members) room.add(member);
    await pause(1500);
    for (const member of members) room.remove(member);
  },
  transfer: (call, { elsewhere }) => call.transfer(elsewhere()),
  'attended transfer': (call, { others }) => {
    const [other] = others(call);
    return other && call.transfer(other);
  },
};

const NAMES = Object.keys(ACTIONS);

/** One random thing after the other, until the call's time is up or the far end ends it. */
export async function live(call: Call, lifeMs: number, around: Surroundings): Promise<void> {
  const until = performance.now() + lifeMs;
  const { random } = around;
  for (;;) {
    await pause(300 + 2500 * random.fraction());
    if (call.state === 'ended' || performance.now() > until) break;
    const name = NAMES[random.uint32() % NAMES.length]!;
    await attempt(name, () => ACTIONS[name]!(call, around), around);
  }
  await attempt('hangup', () => call.hangup(), around);
}

async function attempt(name: string, work: () => unknown, { tell }: Surroundings): Promise<void> {
  try {
    await work();
    tell(name, undefined);
  } catch (error) {
    tell(name, error);
  }
}
