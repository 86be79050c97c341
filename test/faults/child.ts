/**
 * A bot in a process of its own, to be stopped, killed, starved or cut off: `child.ts [port] [options as JSON]`. Echoes every call, says on standard output
 * where it listens and what becomes of its calls, and dials, records or hangs up when it is told to on standard input.
 */
import { createInterface } from 'node:readline';
import type { Call } from '../../src/bot/call.js';
import { SipBot } from '../../src/bot/sip-bot.js';

const say = (fact: object): void => void process.stdout.write(`${JSON.stringify(fact)}\n`);
process.on('unhandledRejection', (error) => say({ stray: String(error) }));
process.on('uncaughtException', (error) => say({ stray: String(error.stack) }));

const bot = new SipBot({
  listen: [{ transport: 'udp', host: '127.0.0.1', port: Number(process.argv[2] ?? 0) }],
  ...JSON.parse(process.argv[3] ?? '{}'),
});

function follow(call: Call): void {
  call.audio.on('frame', (frame) => void call.audio.write(frame.samples));
  call.once('ended', ({ reason, by, text }) => say({ ended: { reason, by, text } }));
}

bot.on('call', async (call) => {
  await call.answer();
  follow(call);
  say({ answered: call.id });
});
bot.on('registered', ({ account }) => say({ registered: account }));
bot.on('registrationFailed', ({ reason }) => say({ registrationFailed: reason }));
// Which address the messages that matter for it come from.
bot.on('trace', ({ direction, bytes, remote }) => {
  const text = Buffer.from(bytes).toString('latin1');
  if (direction === 'in' && text.startsWith('INVITE '))
    say({ invited: remote.address, contact: /^Contact: *(.*)$/im.exec(text)?.[1], media: /^c=(.*)$/m.exec(text)?.[1] });
});
bot.on('error', (error) => say({ failed: String(error) }));

async function dial(target: string): Promise<void> {
  try {
    const call = await bot.dial(target, { timeoutMs: 5000 });
    follow(call);
    say({ dialled: call.id });
  } catch (error) {
    const { name, code, status, message } = error as Error & { code?: string; status?: number };
    say({ refused: { name, code, status, message } });
  }
}

async function record(path: string): Promise<void> {
  const [call] = bot.calls.values();
  try {
    say({ recorded: await call!.record(path).done });
  } catch (error) {
    say({ notRecorded: (error as NodeJS.ErrnoException).code });
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, argument = ''] = line.split(' ');
  if (word === 'dial') void dial(argument);
  if (word === 'record') void record(argument);
  if (word === 'hangup') for (const call of bot.calls.values()) void call.hangup();
  if (word === 'stop') void bot.stop({ drainMs: Number(argument) }).then(() => process.exit(0));
  if (word === 'stats')
    say({ stats: { calls: bot.calls.size, heard: [...bot.calls.values()].map((call) => call.stats()?.receivedPackets) } });
});

await bot.start();
say({ listening: bot.addresses[0]!.port });
