/**
 * `npm run test:attack [-- --seconds 10] [--only svcrack,rtp] [--write]`: what is thrown at a SIP port on the internet, thrown at a bot with fifty honest calls
 * up: SIPVicious, SIPp floods, slow-loris, RTP floods. Everything is on the loopback. A row for each, judged by what the honest callers hear.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { missing } from '../test/attack/processes.js';
import { type Row, Siege } from '../test/attack/siege.js';
import { type BotReport, CALLS } from '../test/attack/wire.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, only: { type: 'string' }, write: { type: 'boolean', default: false } },
});
const seconds = Number(values.seconds);

async function main(): Promise<number> {
  if (process.env.SIPBOT_INTEROP_INSTALL !== 'no')
    execFileSync(join(root, 'test/interop/peers/install.sh'), {
      stdio: 'inherit',
      timeout: 15 * 60_000,
      env: { ...process.env, SIPBOT_PEERS: 'attack' },
    });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const siege = new Siege({ seconds, warmMs: 10_000, lateMs: 10 });
  await siege.begin();
  const wanted = values.only?.split(',');
  const rows: Row[] = [];
  for (const attack of siege.attacks) {
    if (wanted !== undefined && !wanted.some((name) => attack.name.includes(name))) continue;
    const row = await siege.suffer(attack);
    rows.push(row);
    console.log(`${row.name}: ${row.wrong.length === 0 ? 'held' : row.wrong.join('; ')}`);
    if (row.wrong.length > 0 && row.said !== '') console.log(row.said.slice(-2000));
  }
  const last = await siege.report();
  const left = await siege.conclude();
  const text = page(rows, last);
  console.log(`\n${text}`);
  if (left !== 0) console.log(`${left} calls did not end`);
  if (values.write) writeFileSync(join(root, 'docs/attacks.md'), text);
  const failed = rows.filter(({ wrong }) => wrong.length > 0).length + (left === 0 ? 0 : 1);
  console.log(`attack: ${rows.length + 1 - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Datagrams that reached the process, looked at or not. */
const taken = ({ before, after }: Row): number => after.taken - before.taken + (after.foreign - before.foreign);
const cpuMs = ({ before, after }: Row): number => after.cpuMs - before.cpuMs;
const perSecond = (count: number, ms: number): string => `${Math.round((count / ms) * 1000)}`;

function cellsOf(row: Row): string[] {
  const { name, thrown, before, after, callers, ms, wrong } = row;
  return [
    name,
    thrown === undefined ? '' : perSecond(thrown, ms),
    perSecond(taken(row), ms),
    `${after.answered - before.answered}`,
    `${Math.round((100 * cpuMs(row)) / ms)} %`,
    `${callers.lateP99.toFixed(1)} / ${callers.lateMax.toFixed(1)}`,
    callers.ownP99.toFixed(1),
    `${callers.lost} / ${after.lost - before.lost}`,
    `${after.calls}`,
    (after.rssBytes / 2 ** 20).toFixed(0),
    wrong.length === 0 ? 'held' : `**${wrong.join('; ')}**`,
  ];
}

/** What a packet of a flood costs, beyond the honest calls. */
function costs(rows: readonly Row[]): string[] {
  const quiet = rows.find(({ name }) => name === 'nothing');
  const honest = quiet === undefined ? 0 : cpuMs(quiet) / quiet.ms;
  return rows.flatMap((row) => {
    const packets = taken(row);
    const ms = cpuMs(row) - honest * row.ms;
    if (packets < 20_000 || ms <= 0) return [];
    return [`* ${row.name}: ${((ms * 1000) / packets).toFixed(1)} µs a packet, ${perSecond(packets, ms)} a second on one core.`];
  });
}

function page(rows: readonly Row[], last: BotReport): string {
  const { guard } = last;
  const bans = Object.entries(guard.bans).map(([why, count]) => `${why} ${count}`);
  return [
    '# What was thrown at it',
    '',
    `Written by \`npm run test:attack -- --write\`: a bot with ${CALLS} honest calls up over the loopback, and attackers on the same machine (${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}).`,
    'The whole bot is on one core. The honest callers come first on the other (nice -15), so that what is late is the bot; the attackers get what is left of that one',
    `(nice 19).${missing.size === 0 ? '' : ` Not to be had on this machine: ${[...missing].join(', ')}.`}`,
    '',
    `Last run ${new Date().toISOString().slice(0, 10)}, ${seconds} s each. Late: packets of the honest calls as they arrive at the callers, p99 and worst, in ms; beside it how late the callers`,
    'themselves sent, which is part of it. Lost: packets to the callers and from them. CPU: of the bot, 100 % is a core. Held: p99 below 10 ms, no packet and no call',
    'lost, less than 400 MB, and the attacker found and got nothing.',
    '',
    '| attack | thrown a second | reached us a second | answers | CPU | late p99 / worst | callers late p99 | lost | calls up | MB | |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${cellsOf(row).join(' | ')} |`),
    '',
    'What a packet of a flood costs, beyond the honest calls:',
    '',
    ...costs(rows),
    '',
    `Departures of the bot's own clock, p99 over the whole run: ${last.departureP99.toFixed(1)} ms. Afterwards: ${guard.sources} sources remembered, ${guard.banned} banned`,
    `(${bans.join(', ')}), ${guard.authFailures} passwords looked at, ${last.transactions} transactions, ${last.warnings} lines in the log.`,
    '',
  ].join('\n');
}

process.exitCode = await main();
