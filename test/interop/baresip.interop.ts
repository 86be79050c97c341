/** Calls with baresip, directly: each codec both ways, holds, keys, transfers, and a phone that vanishes. What it heard is read from its own recording. */
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Call } from '../../src/index.js';
import { answered, test as base, Ear, endOf, expectTone, nextCall, peers, recordingOf, say, type TestBot } from './line.js';
import { type Baresip, type BaresipOptions, startBaresip, TONE_LEVEL } from './peers/baresip.js';
import { at, sleep, until } from './peers/process.js';

let phones = 0;

const test = base.extend<{ phone: (options?: Partial<BaresipOptions>) => Promise<Baresip> }>({
  // biome-ignore lint/correctness/noEmptyPattern: what a fixture depends on is read from its pattern
  phone: async ({}, use) => {
    const started: Baresip[] = [];
    await use(async (options = {}) => {
      const number = phones++;
      const host = at(100 + number);
      const folder = join(peers.work, `baresip-direct-${number}`);
      const one = await startBaresip({
        host,
        port: 5070 + 20 * (number % 5),
        folder,
        user: 'phone',
        domain: host,
        register: false,
        ...options,
      });
      started.push(one);
      return one;
    });
    await Promise.all(started.map((one) => one.stop()));
  },
});

/** It says 440 Hz without end. */
async function expectHeard(call: Call): Promise<void> {
  const ear = new Ear(call);
  await ear.hears(440, 1200);
  expectTone(ear.heard, 440, 2, TONE_LEVEL);
}

/** The URI at which a phone reaches us. */
const uriOf = (bot: TestBot): string => `sip:bot@${bot.addresses[0]!.host}:${bot.addresses[0]!.port}`;

describe.concurrent('baresip', { skip: !peers.baresip }, () => {
  for (const [codec, module] of [
    ['pcmu', 'g711'],
    ['pcma', 'g711'],
    ['g722', 'g722'],
    ['opus', 'opus'],
  ] as const) {
    test(`call out, ${codec}: each hears the other`, async ({ bot, phone }) => {
      const one = await phone({ codecs: [module] });
      const us = await bot({ codecs: [codec] });
      const call = await us.dial(one.uri);
      expect(call.codec).toBe(codec);
      say(call, 1000, 2000);
      await expectHeard(call);
      await call.audio.drained();
      await sleep(300);
      await call.hangup();
      await one.sees('CALL_CLOSED');
      expectTone(recordingOf(one.heard()[0]!), 1000, 2);
    });
  }

  test('call in: it hears us, and hangs up', async ({ bot, phone }) => {
    const one = await phone();
    const us = await bot();
    const incoming = answered(nextCall(us));
    one.command('dial', uriOf(us));
    const call = await incoming;
    const ended = endOf(call);
    say(call, 1000, 2000);
    await expectHeard(call);
    await call.audio.drained();
    await sleep(300);
    one.command('hangup');
    expect(await ended).toMatchObject({ reason: 'hangup', by: 'remote', status: 200 });
    await until('its recording', () => one.heard().length > 0);
    await sleep(300);
    expectTone(recordingOf(one.heard()[0]!), 1000, 2);
  });

  test('it holds and resumes (re-INVITE in)', async ({ bot, phone }) => {
    const one = await phone();
    const us = await bot();
    const call = await us.dial(one.uri);
    await expectHeard(call);
    const held = new Promise((resolve) => call.once('held', resolve));
    one.command('hold');
    expect(await held).toEqual({ by: 'remote' });
    const ear = new Ear(call);
    await sleep(800);
    expect(ear.toneMs(440)).toBe(0);
    const resumed = new Promise((resolve) => call.once('resumed', resolve));
    one.command('resume');
    await resumed;
    // It opens its microphone anew, which is heard.
    await sleep(500);
    await expectHeard(call);
  });

  test('we hold and resume (re-INVITE out)', async ({ bot, phone }) => {
    const one = await phone();
    const us = await bot();
    const call = await us.dial(one.uri);
    await call.hold();
    await sleep(200);
    const ear = new Ear(call);
    await sleep(800);
    expect(ear.toneMs(440)).toBe(0);
    await call.resume();
    await expectHeard(call);
  });

  test('keys both ways, RFC 4733', async ({ bot, phone }) => {
    const one = await phone();
    const us = await bot();
    const call = await us.dial(one.uri);
    const gathered = call.gather({ max: 4, finishOn: '', timeoutMs: 15_000 });
    for (const key of '159#') {
      one.command('sndcode', key);
      await sleep(400);
    }
    expect(await gathered).toEqual({ digits: '159#', ended: 'max' });
    await call.sendDtmf('40*');
    await until('it has heard the keys', () => one.events.filter(({ type }) => type === 'CALL_DTMF_START').length === 3);
    expect(one.events.filter(({ type }) => type === 'CALL_DTMF_START').map(({ param }) => param)).toEqual(['4', '0', '*']);
  });

  test('it transfers us, blind (REFER in)', async ({ bot, phone }) => {
    const one = await phone();
    const us = await bot();
    const target = await bot();
    const call = await us.dial(one.uri);
    const moved = new Promise<Call>((resolve) => call.on('transferRequest', (request) => resolve(request.accept()!)));
    const third = answered(nextCall(target));
    one.command('transfer', uriOf(target));
    const next = await moved;
    const ear = new Ear(await third);
    await until('talking there', () => next.state === 'answered');
    say(next, 1000, 1500);
    await ear.hears(1000, 1300);
    await sleep(300);
    expectTone(ear.heard, 1000);
  });

  test('we transfer it, blind (REFER out)', async ({ bot, phone }) => {
    const one = await phone();
    const us = await bot();
    const target = await bot();
    const call = await us.dial(one.uri);
    const third = answered(nextCall(target));
    await expectHeard(call);
    expect(await call.transfer(uriOf(target))).toMatchObject({ outcome: 'completed' });
    await expectHeard(await third);
  });

  for (const [mediaenc, srtp] of [
    ['srtp-mand', 'required'],
    ['srtp', 'optional'],
  ] as const) {
    test(`SRTP by SDES, ${srtp} here`, async ({ bot, phone }) => {
      const one = await phone({ accountParameters: `mediaenc=${mediaenc}` });
      const us = await bot({ srtp });
      const call = await us.dial(one.uri);
      say(call, 1000, 1500);
      await expectHeard(call);
      await call.audio.drained();
      await sleep(300);
      await call.hangup();
      await one.sees('CALL_CLOSED');
      expectTone(recordingOf(one.heard()[0]!), 1000, 2);
    });
  }

  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    test(`it vanishes (${signal}): the call ends by itself`, async ({ bot, phone }) => {
      const one = await phone();
      const us = await bot({ mediaTimeoutMs: 3000 });
      const call = await us.dial(one.uri);
      await expectHeard(call);
      const ended = endOf(call);
      const since = performance.now();
      process.kill(one.pid, signal);
      expect(await ended).toMatchObject({ reason: 'mediaTimeout', by: 'network' });
      expect(performance.now() - since).toBeGreaterThan(2500);
      expect(us.calls.size).toBe(0);
      if (signal === 'SIGSTOP') process.kill(one.pid, 'SIGCONT');
    });
  }
});
