/**
 * The first call, with nothing else on the machine: a registrar, a bot that registers with it, and a caller who calls the bot. Watch the
 * messages go by, then call it yourself with any softphone. `--once` ends after the demonstration.
 *
 * Against a real PBX: SIP_URI=sip:6001@pbx.example.com SIP_PASSWORD=… npm start
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Call, Ladder, SipBot, sineTone } from 'sipbot';
import { LocalRegistrar } from 'sipbot/testing';
import { isMain } from './environment.js';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Greets, echoes for a while, asks for digits, and records all of it. */
async function receptionist(call: Call, folder: string): Promise<void> {
  await call.answer();
  const recording = call.record(join(folder, 'call.wav'), { stereo: true });
  await call.play(sineTone(440, 600)).done;
  const echo = (frame: { samples: Int16Array }): void => void call.audio.write(frame.samples);
  call.audio.on('frame', echo);
  await sleep(1500);
  call.audio.off('frame', echo);
  const { digits, ended } = await call.gather({ max: 4, finishOn: '#', timeoutMs: 5000, prompt: sineTone(660, 300) });
  console.log(`          the caller pressed ${digits || 'nothing'}`);
  if (ended !== 'hangup') await call.play(sineTone(880, 300)).done;
  await recording.stop();
  await call.hangup();
}

/** What the caller does, so that there is something to see. */
async function scriptedCaller(target: string): Promise<string> {
  const caller = new SipBot({ listen: [{ transport: 'udp', host: '127.0.0.1' }], rtpHost: '127.0.0.1' });
  await caller.start();
  const call = await caller.dial(target, { displayName: 'Scripted Caller', callerId: '+15550100', redirects: 'follow' });
  await sleep(800);
  await call.play(sineTone(1000, 1000)).done;
  await sleep(900);
  await call.sendDtmf('42#');
  while (call.end === undefined) await sleep(50);
  const stats = call.stats();
  await caller.stop();
  const { receivedPackets = 0, receivedLost = 0, jitterMs = 0, bufferDelayMs = 0, receivedMos = 0 } = stats ?? {};
  return `${receivedPackets} packets heard, ${receivedLost} lost, jitter ${jitterMs.toFixed(1)} ms, buffer ${bufferDelayMs.toFixed(0)} ms, MOS ${receivedMos.toFixed(2)}`;
}

export async function demo(options: { readonly once: boolean; readonly folder: string; readonly port?: number }): Promise<void> {
  await mkdir(options.folder, { recursive: true });
  const { SIP_URI, SIP_PASSWORD, SIP_REGISTRAR } = process.env;
  const users = { bot: 'secret', phone: 'secret' };
  // Takes registrations, and tells whoever calls a registered user where that user is.
  const registrar = new LocalRegistrar({ port: options.port ?? 0, users });
  await registrar.start();
  const home = registrar.address;

  const bot = new SipBot({
    uri: SIP_URI ?? `sip:bot@${home}`,
    password: SIP_PASSWORD ?? users.bot,
    ...(SIP_REGISTRAR === undefined ? {} : { registrar: SIP_REGISTRAR }),
    ...(SIP_URI === undefined ? { listen: [{ transport: 'udp', host: '127.0.0.1' }], rtpHost: '127.0.0.1' } : {}),
  });
  const ladder = new Ladder({ names: { [home]: 'registrar' } });
  bot.on('trace', (message) => {
    const arrow = ladder.add(message);
    if (arrow !== undefined) console.log(ladder.line(arrow));
  });
  bot.on('call', async (call) => {
    await receptionist(call, options.folder);
    const picture = join(options.folder, 'call.svg');
    await writeFile(picture, ladder.toSvg());
    console.log(`          the recording and the picture of the call: ${join(options.folder, 'call.wav')}, ${picture}`);
  });
  bot.on('registered', ({ account, expiresS }) => console.log(`          ${account} is registered for ${expiresS} s`));
  bot.on('registrationFailed', ({ reason, advice }) => console.log(`          registration failed: ${reason}. ${advice}`));
  await bot.start();

  if (SIP_URI === undefined) {
    console.log(`\n${await scriptedCaller(`sip:bot@${home}`)}`);
  }
  if (options.once) {
    await bot.stop();
    await registrar.close();
    return;
  }
  const howTo =
    SIP_URI === undefined
      ? `register a softphone as sip:phone@${home} with password 'secret' (UDP), and dial 'bot'`
      : `dial ${SIP_URI.replace(/^sips?:|@.*$/g, '')} from any phone of your PBX`;
  console.log(`\nCall it yourself: ${howTo}. Ctrl-C ends.`);
  let isEnding = false;
  const end = (): void => {
    if (isEnding) process.exit(130);
    isEnding = true;
    void bot.stop({ drainMs: 30_000 }).then(() => registrar.close());
  };
  process.on('SIGINT', end).on('SIGTERM', end);
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, folder: { type: 'string', default: 'recordings' } },
  });
  await demo({ once: values.once, folder: values.folder, ...(values.once ? {} : { port: 5060 }) });
}
