/**
 * `npm run conversations -- [--bot tickets|receptionist] [--count 100] [--seed 1] [--only 37] [--over memory|sockets] [--at-once 10] [--json FILE]`:
 * scripted callers talk to a bot, and what came of it is a table and a JSON file. The receptionist is the offline one, with flite and pocketsphinx.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { conversationTable, converse } from '../src/testing.js';
import { receptionistConversations } from './conversations/receptionist-callers.js';
import { ticketBot, ticketScripts, words } from './conversations/ticket-bot.js';

const { values } = parseArgs({
  options: {
    bot: { type: 'string', default: 'tickets' },
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    over: { type: 'string', default: 'memory' },
    'at-once': { type: 'string', default: '10' },
    json: { type: 'string', default: 'conversations.json' },
  },
});

const begun = performance.now();
const { close, ...bot } =
  values.bot === 'receptionist'
    ? receptionistConversations()
    : { bot: ticketBot, scripts: ticketScripts, voice: words, ear: words, close: undefined };
const report = await converse({
  ...bot,
  count: Number(values.count),
  seed: Number(values.seed),
  over: values.over === 'sockets' ? 'sockets' : 'memory',
  atOnce: Number(values['at-once']),
  ...(values.only === undefined ? {} : { only: Number(values.only) }),
  onResult: ({ number, script, failures }) => {
    if (process.stderr.isTTY || failures.length > 0) console.error(`${number} ${script}${failures.map((one) => `: ${one}`).join('')}`);
  },
});
await close?.();
console.log(conversationTable(report));
await writeFile(values.json, `${JSON.stringify(report, undefined, 1)}\n`);
console.log(`in ${((performance.now() - begun) / 1000).toFixed(1)} s; all of it in ${values.json}`);
if (report.failed > 0) process.exitCode = 1;
process.exit();
