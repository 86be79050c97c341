/**
 * SIPp scenarios whose tested side is a user agent, run against a SipBot over loopback.
 * They take some twenty minutes, so they run when their table is asked for: SIPBOT_SCENARIOS_TABLE names its file, SIPBOT_TEST_DATA the scenarios' folder.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Call } from '../../src/bot/call.js';
import { EchoBot } from '../../src/bot/echo-bot.js';
import type { SipBotOptions } from '../../src/bot/options.js';
import { SipBot } from '../../src/bot/sip-bot.js';
import { at, sleep } from './peers/process.js';
import { type SippRun, sipp, sippInstalled } from './peers/sipp.js';
import { type Incoming, type Outgoing, type Scenario, scenarios, type Unfit } from './scenarios.js';

const table = process.env['SIPBOT_SCENARIOS_TABLE'];
const data = process.env['SIPBOT_TEST_DATA'];
const isAsked = table !== undefined && data !== undefined;
const title = isAsked ? 'SIPp scenarios' : 'SIPp scenarios (skipped: SIPBOT_SCENARIOS_TABLE and SIPBOT_TEST_DATA are not both set)';
const work = mkdtempSync(join(tmpdir(), 'sipbot-scenarios-'));
const us = at(41);
const them = at(42);
let port = 20_000 + (process.pid % 400) * 100;

interface Row {
  readonly set: string;
  readonly file: string;
  readonly role: string;
  result: string;
  readonly remark: string;
}

const rows: Row[] = [];

/** One for each, however often it is tried. */
function rowOf(row: Row): Row {
  const before = rows.find(({ set, file }) => set === row.set && file === row.file);
  if (before === undefined) rows.push(row);
  return before ?? row;
}

afterAll(() => {
  if (table !== undefined && rows.length > 0) writeFileSync(table, page());
  rmSync(work, { recursive: true, force: true });
});

function page(): string {
  const count = (result: string): number => rows.filter((row) => row.result.startsWith(result)).length;
  const tables = [...new Set(rows.map(({ set }) => set))].flatMap((set) => [
    `\n## ${set}\n`,
    '| scenario | a SipBot is | result | remark |',
    '|---|---|---|---|',
    ...rows.filter((row) => row.set === set).map(({ file, role, result, remark }) => `| ${file} | ${role} | ${result} | ${remark} |`),
  ]);
  return `${[
    '# SIPp scenarios against a SipBot',
    '',
    `${rows.length} scenarios: ${count('passed')} passed, ${count('our answer')} answered as a user agent should where the scenario asks for another`,
    `element's policy, ${count('shown')} shown by other means, ${count('not applicable')} not applicable (SIPp's complaint is the one that the remark explains,`,
    `and nothing is left of the call), ${count('failed')} failed. Written by test/interop/scenarios.interop.ts; where the scenarios come from: the`,
    'manifests beside them (SIPp, drachtio-srf, jambonz).',
    ...tables,
  ].join('\n')}\n`;
}

/** In a folder of its own, where the captures that scenarios play are. */
function folderFor(name: string): string {
  const folder = join(work, name.replaceAll(/[^\w-]/g, '-'));
  mkdirSync(folder, { recursive: true });
  const captures = join(data!, 'sipp-builtin', 'pcap');
  if (existsSync(captures) && !existsSync(join(folder, 'pcap'))) symlinkSync(captures, join(folder, 'pcap'));
  return folder;
}

/** Sound files of the authors' own machines are replaced by a second of A-law that is here. */
function scenarioFile(set: string, file: string): string {
  const path = join(data!, set, file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes('/tmp/scenarios/')) return path;
  const folder = folderFor(`${set}-${file}`);
  const sound = join(folder, 'sound.raw');
  writeFileSync(sound, Buffer.alloc(16_000, 0x55));
  const copy = join(folder, 'scenario.xml');
  writeFileSync(copy, text.replaceAll(/\/tmp\/scenarios\/[\w./-]+/g, sound));
  return copy;
}

async function start(options: SipBotOptions): Promise<SipBot> {
  const bot = new SipBot({
    listen: [{ transport: 'udp', host: us, port: 0 }],
    rtpHost: us,
    rtpPorts: [30_000, 31_000],
    threads: 0,
    allow: [`${them}/32`, `${us}/32`],
    ...options,
  });
  return bot;
}

const common = (set: string, file: string, sippPort: number): string[] => [
  '-sf',
  scenarioFile(set, file),
  '-i',
  them,
  '-mi',
  them,
  '-p',
  String(sippPort),
  '-m',
  '1',
  '-s',
  'service',
  '-timeout',
  '25s',
  '-timeout_error',
  '-default_behaviors',
  'all,-bye',
];

/** After the bot has stopped, whatever SIPp did to it. */
function nothingLeft(bot: SipBot): void {
  const { calls, signalling, media } = bot.stats();
  expect([calls, bot.calls.size, signalling.dialogs, media.ports.used]).toEqual([0, 0, 0, 0]);
}

interface Ran extends SippRun {
  /** The final statuses that we sent. */
  readonly answers: readonly number[];
}

async function runIncoming(set: string, scenario: Incoming): Promise<Ran> {
  const sippPort = port++;
  const bot = await start(scenario.options?.(`${them}:${sippPort}`) ?? {});
  let call: Call | undefined;
  const errors: unknown[] = [];
  bot.on('error', (error) => errors.push(error));
  bot.on('message', () => {});
  const answers: number[] = [];
  bot.on('trace', ({ direction, bytes }) => {
    const status = Number(/^SIP\/2\.0 ([2-6]\d\d)/.exec(Buffer.from(bytes).toString('latin1'))?.[1] ?? 0);
    if (direction === 'out' && status > 0) answers.push(status);
  });
  if (scenario.onCall !== undefined) {
    const { onCall } = scenario;
    bot.on('call', (one) => {
      call = one;
      if (scenario.file.includes('apattern')) one.use(new EchoBot());
      return onCall(one);
    });
  }
  await bot.start();
  const target = `${us}:${bot.addresses[0]!.port}`;
  const keys = ['-key', 'to', '16175551212', '-key', 'from', '16175551213', '-key', 'account_sid', 'a'];
  const { done, stop } = sipp(scenario.version ?? '3.6', folderFor(`${set}-${scenario.file}`), [
    target,
    ...common(set, scenario.file, sippPort),
    ...keys,
    ...(scenario.args ?? []),
  ]);
  const run = await Promise.race([done, sleep(limitOf(scenario)).then(() => stop())]).then(() => done);
  await sleep(100);
  let failed: unknown;
  try {
    await scenario.check?.(call);
  } catch (error) {
    failed = error;
  }
  await bot.stop();
  nothingLeft(bot);
  if (failed !== undefined) throw failed;
  expect(errors.map(String), run.errors).toEqual([]);
  return { ...run, answers };
}

/** SIPp's own -timeout does not end a call that waits for what never comes. */
const limitOf = ({ file, instead }: Incoming): number => (instead !== undefined ? 8000 : file.includes('-drop-') ? 50_000 : 20_000);

async function runOutgoing(set: string, scenario: Outgoing): Promise<Ran> {
  const sippPort = port++;
  const address = `${them}:${sippPort}`;
  const running = sipp(scenario.version ?? '3.6', folderFor(`${set}-${scenario.file}`), [
    ...common(set, scenario.file, sippPort),
    ...(scenario.args ?? []),
    us,
  ]);
  await sleep(400);
  const bot = await start(scenario.options?.(address) ?? {});
  try {
    await bot.start();
    await scenario.act({ bot, sipp: address, sleep });
  } finally {
    await Promise.race([running.done, sleep(scenario.reason === undefined ? 6000 : 1500)]);
    await bot.stop();
    running.stop();
  }
  nothingLeft(bot);
  return { ...(await running.done), answers: [] };
}

function judge(scenario: Incoming | Outgoing, run: Ran, folder: string): string {
  const { reason, instead, complaint, proof } = scenario;
  if (reason === undefined) {
    expect(run.exitCode, `${run.errors}\n${run.output.slice(-3000)}`).toBe(0);
    return 'passed';
  }
  if (instead !== undefined) {
    expect(run.answers, run.errors).toContain(instead);
    expect(run.exitCode, 'the scenario passes after all').not.toBe(0);
    return `our answer: ${instead}`;
  }
  if (complaint === undefined) throw new Error(`what does SIPp complain of? ${run.errors}`);
  expect(run.errors, 'that SIPp complains of this, or the scenario passes after all').toMatch(complaint);
  return proof === undefined ? 'not applicable' : proof(folder);
}

/** SIPp says so itself, where it is SIPp that cannot. */
function proveUnfit(set: string, { file, reason, complaint }: Unfit): void {
  const row = rowOf({ set, file, role: '–', result: 'not applicable', remark: reason });
  if (complaint === undefined) return;
  row.result = 'failed';
  test.skipIf(!sippInstalled('3.6'))(`${set}/${file}`, { timeout: 20_000 }, async () => {
    const { exitCode, errors, output } = await sipp('3.6', folderFor(`${set}-${file}`), [us, ...common(set, file, port++)]).done;
    expect(exitCode).not.toBe(0);
    expect(errors + output).toMatch(complaint);
    row.result = 'not applicable';
  });
}

function prove(set: string, scenario: Scenario): void {
  const { file, role } = scenario;
  if (scenario.role === 'unfit') {
    proveUnfit(set, scenario);
    return;
  }
  const version = scenario.version ?? '3.6';
  test.skipIf(!sippInstalled(version))(`${set}/${file}`, { timeout: 70_000 }, async () => {
    const row = rowOf({ set, file, role, result: 'failed', remark: scenario.reason ?? '' });
    const run = scenario.role === 'callee' ? await runIncoming(set, scenario) : await runOutgoing(set, scenario);
    row.result = judge(scenario, run, folderFor(`${set}-${file}`));
  });
}

describe.skipIf(!isAsked)(title, () => {
  for (const [set, all] of Object.entries(scenarios)) for (const scenario of all) prove(set, scenario);

  test.skipIf(!sippInstalled('3.6'))(
    'third-party control: SIPp as the controller, two bots as the parties (RFC 3725 I)',
    { timeout: 40_000 },
    async () => {
      const row = rowOf({
        set: 'sipp-builtin',
        file: 'docs/3pcc-C-A.xml with docs/3pcc-C-B.xml',
        role: 'callee, twice',
        result: 'failed',
        remark: 'a late offer, answered in the ACK, and the call of the other party with it',
      });
      const bots = [await start({}), await start({ rtpPorts: [31_000, 32_000] })];
      for (const bot of bots) {
        bot.on('call', (call) => call.answer());
        await bot.start();
      }
      const [one, other] = bots.map((bot) => `${us}:${bot.addresses[0]!.port}`);
      const twin = `${them}:${port++}`;
      const b = sipp('3.6', folderFor('3pcc-b'), [other!, '-3pcc', twin, ...common('sipp-builtin', 'docs/3pcc-C-B.xml', port++)]);
      await sleep(500);
      const a = sipp('3.6', folderFor('3pcc-a'), [one!, '-3pcc', twin, ...common('sipp-builtin', 'docs/3pcc-C-A.xml', port++)]);
      const [ranA, ranB] = await Promise.all([a.done, b.done]);
      await Promise.all(bots.map((bot) => bot.stop()));
      expect([ranA.exitCode, ranB.exitCode], `${ranA.errors}\n${ranB.errors}`).toEqual([0, 0]);
      row.result = 'passed';
    },
  );
});
