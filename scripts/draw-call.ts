/** Draws docs/call.svg: a bot registers, is called through the registrar, answers, hears keys, and hangs up; over real sockets on the loopback. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Ladder, SipBot, sineTone, systemClock, systemRandom, type TracedMessage } from 'sipbot';
import { Registrar, UserAgent } from 'sipbot/sip';

const HOST = '127.0.0.1';
const here = { listen: [{ transport: 'udp', host: HOST }], rtpHost: HOST, threads: 0 } as const;

const agent = new UserAgent({ listen: [{ transport: 'udp', host: HOST }] });
const registrar = new Registrar({ clock: systemClock, random: systemRandom, users: { bot: 'secret' }, domains: [HOST] }).attach(agent);
agent.handle('INVITE', (incoming) => {
  const [found] = registrar.lookup(incoming.request.uri);
  if (found === undefined) incoming.reply(404);
  else incoming.reply(302, { headers: [['Contact', `<${found.uri}>`]] });
});
await agent.start();
const home = `${HOST}:${agent.addresses[0]!.port}`;

const bot = new SipBot({ ...here, uri: `sip:bot@${home}`, password: 'secret' });
const caller = new SipBot(here);
await caller.start();
const names: Record<string, string> = { [home]: 'registrar', [`${HOST}:${caller.addresses[0]!.port}`]: 'caller' };
const ladder = new Ladder({ names });
// What each of the three sends is what another receives: drawn once.
const draw = (message: TracedMessage): void => {
  if (message.direction === 'out') ladder.add(message);
};
agent.on('trace', draw);
caller.on('trace', draw);
bot.on('trace', (message) => {
  names[`${HOST}:${message.local.port}`] = 'bot';
  draw(message);
});

bot.on('call', async (call) => {
  await call.ring();
  await call.answer();
  await call.gather({ max: 2, prompt: sineTone(440, 300) });
  await call.play(sineTone(880, 300)).done;
  await call.hangup();
});
await bot.start();
const call = await caller.dial(`sip:bot@${home}`, { callerId: '+15550100', redirects: 'follow' });
await call.play(sineTone(1000, 500)).done;
const ended = new Promise<void>((resolve) => call.once('ended', () => resolve()));
await call.sendDtmf('42');
await ended;
await bot.stop();
await caller.stop();
registrar.close();
await agent.close();
await writeFile(fileURLToPath(new URL('../docs/call.svg', import.meta.url)), ladder.toSvg());
console.log(ladder.toText());
