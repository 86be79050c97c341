/**
 * How long from nothing to a bot that can be called: `import 'sipbot'`, `require('sipbot')`, and `bot.start()` until its registrar on loopback has said 200.
 * Each in a process of its own, in turns; of the built package, as users have it: `npm run build && npm run bench -- startup [--repeats 15]`.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { LocalRegistrar } from '../src/testing/local-registrar.js';
import { median, save, Table } from './report.js';

const { values } = parseArgs({ options: { repeats: { type: 'string', default: '15' } } });
const dist = new URL('../dist/', import.meta.url);
if (!existsSync(new URL('index.js', dist))) {
  console.log('startup: there is no dist; run `npm run build` first');
  process.exit(1);
}

const registrar = new LocalRegistrar({ users: { bot: 'secret' } });
await registrar.start();

const options = JSON.stringify({
  uri: `sip:bot@${registrar.address}`,
  password: 'secret',
  listen: [{ transport: 'udp', host: '127.0.0.1' }],
  rtpHost: '127.0.0.1',
});
const index = JSON.stringify(new URL('index.js', dist).href);
// CPU beside the clock: on a busy machine it is what can be believed.
const start = 'const cpu = process.cpuUsage(), at = performance.now();';
const end = 'const { user, system } = process.cpuUsage(cpu); console.log(performance.now() - at, (user + system) / 1000);';
const programs = {
  "import 'sipbot'": `${start} await import(${index}); ${end}`,
  "require('sipbot')": `import { createRequire } from 'node:module'; const require = createRequire(${index});
    ${start} require(${JSON.stringify(fileURLToPath(new URL('index.cjs', dist)))}); ${end}`,
  'bot.start() to registered': `const { SipBot } = await import(${index}); const bot = new SipBot(${options});
    ${start} bot.on('registered', () => { ${end} process.exit(0); }); await bot.start();`,
} as const;

const run = promisify(execFile);
const times = new Map<string, { ms: number[]; cpuMs: number[] }>(Object.keys(programs).map((name) => [name, { ms: [], cpuMs: [] }]));
for (let i = 0; i < Number(values.repeats); i++) {
  for (const [name, program] of Object.entries(programs)) {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
    const [ms, cpuMs] = stdout.split(' ').map(Number);
    times.get(name)!.ms.push(ms!);
    times.get(name)!.cpuMs.push(cpuMs!);
  }
}
await registrar.close();

const table = new Table(['what                     ', 'median ms', 'best', 'worst', 'CPU ms']);
const results = [...times].map(([what, { ms, cpuMs }]) => ({
  what,
  medianMs: median(ms),
  bestMs: Math.min(...ms),
  worstMs: Math.max(...ms),
  cpuMs: median(cpuMs),
}));
for (const row of results) table.row([row.what, ...[row.medianMs, row.bestMs, row.worstMs, row.cpuMs].map((ms) => ms.toFixed(1))]);
const bytes = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .map((name) => statSync(new URL(name, dist)))
  .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
console.log(`dist: ${(bytes / 1000).toFixed(0)} kB unpacked`);
save('startup', { repeats: Number(values.repeats), distBytes: bytes, results });
