/** Calls with Asterisk over a bad path: 5 % lost, 50 ms of delay and 20 ms of jitter, each way, SIP and RTP alike. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { CodecName } from '../../src/codec/codec.js';
import type { Call } from '../../src/index.js';
import type { Heard } from '../../src/testing/heard.js';
import { tellFigures } from './figures.js';
import { account, answered, Ear, endOf, nextCall, peers, say, test, toneIn } from './line.js';
import { asteriskCli } from './peers/asterisk.js';
import { type ImpairedPath, openImpairedPath, type PathOptions } from './peers/impaired-path.js';
import { at, sleep, until } from './peers/process.js';

const peer = peers.asterisk!;
const LOSS = 0.05;
/** There and back. */
const LOST = 1 - (1 - LOSS) ** 2;
const [DELAY_MS, JITTER_MS] = [50, 20];
const SAID_MS = 5000;
/** What is on its way when the two sides are counted. */
const ON_THE_WAY = 6;
const MOST_ROUNDS = 6;
const ANSWER = /^SIP\/2\.0 200 .*\nCSeq: \d+ INVITE/s;

describe.concurrent('Asterisk 22', { skip: peers.asterisk === undefined }, () => {
  const title = `${100 * LOSS} % loss, ${DELAY_MS} ms delay, ${JITTER_MS} ms jitter each way`;
  const over = async (path: Partial<PathOptions>, use: (path: ImpairedPath) => Promise<void>): Promise<void> => {
    const whole = { host: at(17), to: peer, delayMs: DELAY_MS, jitterMs: JITTER_MS, loss: LOSS, seed: 1, ...path };
    const opened = await openImpairedPath(whole);
    await use(opened).finally(() => opened.close());
  };
  const through = (path: ImpairedPath, user: string) => {
    const server = `sip:${at(17)}:${path.port}`;
    return { ...account(peer, user), registrar: server, outboundProxy: `${server};lr` };
  };

  for (const [codec, user, seed] of [
    ['pcmu', '6045', 1],
    ['g722', '6048', 2],
    ['opus', '6046', 3],
  ] as const satisfies readonly (readonly [CodecName, string, number])[]) {
    test(`${title}, ${codec}: set up, heard without holes, hung up`, { timeout: 90_000 }, async ({ bot, task }) => {
      // Whatever else chance takes: each of these must be sent again by whoever sent it.
      const loses = [/^INVITE/, ANSWER, /^ACK sip:[\d.]+:/, /^BYE/];
      await over({ seed, loses }, async (path) => {
        const us = await bot({ ...through(path, user), codecs: [codec] });
        const call = await us.dial(`sip:600@${peer.host}:${peer.port}`);
        const { round, rounds } = await judged(path, call, codec);
        const stats = call.stats()!;
        const lost = path.media.out.lost + path.media.back.lost;
        // Asterisk's echo keeps the sequence of what came to it: what we miss is what was lost on both ways, to the packet.
        expect(Math.abs(stats.receivedLost - lost)).toBeLessThanOrEqual(ON_THE_WAY);
        const ended = endOf(call);
        await call.hangup();
        expect(await ended).toMatchObject({ reason: 'hangup', by: 'local' });
        const sent = (start: string): number => us.wire(call).filter((line) => line.startsWith(start)).length;
        expect([sent('> INVITE'), sent('> ACK sip:1'), sent('> BYE')].every((times) => times >= 2)).toBe(true);
        await until('Asterisk knows', async () => !(await asteriskCli(peer.folder, 'pjsip show channels')).includes(user));
        tellFigures(task, {
          'lost % there and back': (100 * lost) / (stats.receivedExpected + path.media.out.lost),
          'concealed %': 100 * round.concealed,
          'silent %': 100 * round.silent,
          purity: round.purity,
          'level dB': round.levelDb,
          'buffer ms': stats.bufferDelayMs,
          late: stats.receivedLate,
          rounds,
        });
      });
    });
  }

  test(`${title}: registered, called, and keys both ways`, async ({ bot }) => {
    await over({ seed: 4, loses: [/^REGISTER/, /^INVITE/, ANSWER] }, async (path) => {
      const us = await bot({ ...through(path, '6049'), register: true, codecs: ['pcmu'] });
      const incoming = answered(nextCall(us));
      await asteriskCli(peer.folder, 'channel originate PJSIP/6049 extension 602@pbx');
      const into = await incoming;
      // Lost once, challenged, and taken.
      expect(us.wire().filter((line) => line.startsWith('> REGISTER')).length).toBeGreaterThanOrEqual(3);
      expect(await into.gather({ max: 10, finishOn: '', timeoutMs: 20_000 })).toEqual({ digits: '1234*#ABCD', ended: 'max' });
      await into.hangup();
      const out = await us.dial(`sip:603@${peer.host}:${peer.port}`);
      await out.sendDtmf('4071');
      const log = join(peer.folder, 'dtmf.log');
      await until('Asterisk has read the keys', () => existsSync(log) && readFileSync(log, 'utf8').includes(`${out.callId} 4071`));
    });
  });
});

/** Of one tone that was said for five seconds and came back. */
interface Round {
  readonly hz: number;
  readonly levelDb: number;
  readonly purity: number;
  /** Share of its time in which nothing was heard. */
  readonly silent: number;
  /** Share of frames that were made up. */
  readonly concealed: number;
  /** The machine stood still meanwhile: the path was worse than it says, or we did not say all. */
  readonly isDisturbed: boolean;
}

/** What the codecs' concealment leaves of a sine: that of Opus makes up sound of its own. */
const PUREST: Partial<Record<CodecName, number>> = { pcmu: 0.95, g722: 0.95, opus: 0.5 };

/** A round in which this machine stood still says nothing about the path and is taken again; the first of the others decides. */
async function judged(path: ImpairedPath, call: Call, codec: CodecName): Promise<{ readonly round: Round; readonly rounds: number }> {
  for (let rounds = 1; ; rounds++) {
    const round = await listen(path, call);
    try {
      expect(Math.abs(round.hz - 1000), 'frequency').toBeLessThanOrEqual(10);
      expect(Math.abs(round.levelDb), 'level').toBeLessThan(2);
      expect(round.purity, 'purity').toBeGreaterThan(PUREST[codec]!);
      // Nearly one packet in ten is gone: unconcealed, that would be the share of silence.
      expect(round.silent, 'silent').toBeLessThan(LOST / 4);
      expect(round.concealed, 'concealed').toBeGreaterThan(LOST / 2);
      expect(round.concealed, 'concealed').toBeLessThan(LOST * 2);
      return { round, rounds };
    } catch (error) {
      if (!round.isDisturbed || rounds === MOST_ROUNDS)
        throw new Error(`${(error as Error).message}\n${JSON.stringify({ ...round, rounds })}`);
    }
  }
}

async function listen(path: ImpairedPath, call: Call): Promise<Round> {
  const before = call.stats()!;
  path.latestMs();
  const ear = new Ear(call);
  say(call, 1000, SAID_MS);
  await sleep(SAID_MS + 1500);
  const { heard } = ear;
  const { hz, levelDb, purity } = toneIn(heard, 1000);
  const { sentSkipped } = call.stats()!;
  return {
    hz,
    levelDb,
    purity,
    silent: silentShare(heard),
    concealed: ear.concealed,
    isDisturbed: path.latestMs() > JITTER_MS || sentSkipped > before.sentSkipped,
  };
}

/** Of the tone's time, without 100 ms at its ends, every silence that is longer than 5 ms. */
function silentShare(heard: Heard): number {
  const tone = heard.part((heard.onsetMs ?? 0) + 100, SAID_MS - 200);
  return tone.gaps(5).reduce((sum, { durationMs }) => sum + durationMs, 0) / Math.max(1, tone.durationMs);
}
