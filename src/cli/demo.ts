/** `sipbot demo`: the first call, with nothing else on the machine: a registrar, a bot that registers with it, and a caller who calls the bot. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Call, SipBot } from '../bot.js';
import { sineTone } from '../codec/tones.js';
import { LocalRegistrar } from '../testing/local-registrar.js';
import { type Command, numberOf, readArgs } from './command.js';
import { CallFiles, quality, showLadder } from './show.js';
import { asked, noteLogger, pause, type Terminal } from './terminal.js';

const FLAGS = { once: { type: 'boolean' }, folder: { type: 'string' }, port: { type: 'string' } } as const;
const HOME = '127.0.0.1';
const USERS = { bot: 'secret', phone: 'secret' };
const LISTEN = [{ transport: 'udp', host: HOME }] as const;
const DRAIN_MS = 2000;

export const demo: Command = {
  name: 'demo',
  summary: 'the first call, with nothing else on the machine: watch it, then call it yourself',
  usage: `Usage: sipbot demo [options]

  --once                           end after the demonstration
  --folder recordings              where the recording, the picture and the capture of the call go [recordings]
  --port number                    of the registrar [5060; with --once any free one]

Everything stays on ${HOME}. Your own exchange: sipbot listen --uri sip:…`,

  async run(args, terminal) {
    const { values } = readArgs(args, FLAGS, { min: 0, max: 0, what: 'option' });
    const folder = values.folder ?? 'recordings';
    const port = numberOf('port', values.port, { min: 0, max: 65_535 }) ?? (values.once === true ? 0 : 5060);
    await mkdir(folder, { recursive: true });
    const registrar = new LocalRegistrar({ host: HOME, port, users: USERS });
    await registrar.start();
    const bot = new SipBot({
      uri: `sip:bot@${registrar.address}`,
      password: USERS.bot,
      listen: LISTEN,
      rtpHost: HOME,
      threads: 1,
      logger: noteLogger(terminal),
    });
    const files = new CallFiles(bot, { svg: join(folder, 'call.svg'), pcap: join(folder, 'call.pcap') });
    try {
      const ladder = showLadder(bot, terminal, { [registrar.address]: 'registrar' });
      bot.on('call', (call) => receptionist(call, folder, terminal));
      bot.on('registered', ({ account, expiresS }) => terminal.note(`          ${account} is registered for ${expiresS} s`));
      await bot.start();
      terminal.out(await scriptedCaller(`sip:bot@${registrar.address}`, terminal));
      await files.write(terminal);
      await writeFile(join(folder, 'ladder.txt'), `${ladder.toText()}\n`);
      terminal.out(`the recording: ${join(folder, 'call.wav')}`);
      if (values.once === true || terminal.signal.aborted) return 0;
      terminal.out(
        `\nCall it yourself: register a softphone as sip:phone@${registrar.address} with password 'secret' (UDP), and dial 'bot'. Ctrl-C ends.`,
      );
      await asked(terminal.signal);
      return 0;
    } finally {
      await bot.stop({ drainMs: DRAIN_MS });
      await registrar.close();
    }
  },
};

/** Greets, echoes for a while, asks for digits, and records all of it. */
async function receptionist(call: Call, folder: string, terminal: Terminal): Promise<void> {
  await call.answer();
  const recording = call.record(join(folder, 'call.wav'), { stereo: true });
  await call.play(sineTone(440, 600)).done;
  const echo = (frame: { readonly samples: Int16Array }): void => void call.audio.write(frame.samples);
  call.audio.on('frame', echo);
  await pause(1500, terminal.signal);
  call.audio.off('frame', echo);
  const { digits, ended } = await call.gather({ max: 4, finishOn: '#', timeoutMs: 5000, prompt: sineTone(660, 300) });
  terminal.note(`          the caller pressed ${digits || 'nothing'}`);
  if (ended !== 'hangup') await call.play(sineTone(880, 300)).done;
  await recording.stop();
  await call.hangup();
}

/** What the caller does, so that there is something to see. */
async function scriptedCaller(target: string, terminal: Terminal): Promise<string> {
  const caller = new SipBot({ listen: LISTEN, rtpHost: HOME, threads: 1 });
  try {
    await caller.start();
    const call = await caller.dial(target, {
      displayName: 'Scripted Caller',
      callerId: '+15550100',
      redirects: 'follow',
      signal: terminal.signal,
    });
    const over = new AbortController();
    call.on('ended', () => over.abort());
    await pause(800, terminal.signal);
    await call.play(sineTone(1000, 1000)).done;
    await pause(900, terminal.signal);
    if (call.end === undefined) await call.sendDtmf('42#');
    await asked(AbortSignal.any([over.signal, terminal.signal]));
    return quality(call.stats());
  } finally {
    await caller.stop();
  }
}
