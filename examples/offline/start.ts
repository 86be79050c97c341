/**
 * `npm start`: the first call, with nothing else on the machine. A registrar, the offline receptionist registered with it, and a caller who rings
 * up, speaks, leaves a message. Then call it yourself with any softphone; `--once` ends after the demonstration.
 *
 * Against a real PBX: SIP_URI=sip:6001@pbx.example.com SIP_PASSWORD=… npm start
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Call, Ladder, SipBot, type Turn } from 'sipbot';
import { readWav, soundChannel } from 'sipbot/codec';
import { Heard, LocalRegistrar } from 'sipbot/testing';
import { isMain } from '../environment.js';
import { receptionist, type Visit } from './receptionist.js';
import { type OfflineSpeech, offlineSpeech } from './speech.js';

export const MESSAGE = 'Please call me back on Tuesday.';
/** It takes longer than that to say. */
const MESSAGE_MS = 1000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const loopback = { listen: [{ transport: 'udp' as const, host: '127.0.0.1' }], rtpHost: '127.0.0.1' };

/** What the caller does: listens until the receptionist is done, then speaks; by keys where nobody understands speech. */
async function scriptedCaller(target: string, speech: OfflineSpeech): Promise<readonly Turn[]> {
  const voice = speech.otherVoice ?? speech.voice;
  const caller = new SipBot({ ...loopback, speech: { voice, ears: { endOfTurnMs: 1000 } } });
  await caller.start();
  const call = await caller.dial(target, { displayName: 'Scripted Caller', callerId: '+15550100', redirects: 'follow' });
  const choose = async (word: string, key: string): Promise<void> => {
    await call.listen({ timeoutMs: 10_000 });
    if (call.end !== undefined) return;
    if (speech.recogniser === undefined) await call.sendDtmf(key);
    else await call.say(word).done;
  };
  await choose('What time is it?', '2');
  await choose('Leave a message.', '1');
  await call.listen({ timeoutMs: 10_000 });
  if (call.end === undefined) await call.say(MESSAGE, { interruptible: false }).done;
  // This time in the middle of what the receptionist says.
  await new Promise((resolve) => call.once('speechStart', resolve).once('ended', resolve));
  await sleep(3500);
  if (call.end === undefined)
    await (speech.recogniser === undefined ? call.sendDtmf('9') : call.say('Goodbye.', { interruptible: false }).done);
  while (call.end === undefined) await new Promise((resolve) => call.on('ended', resolve));
  const { turns } = call;
  await caller.stop();
  return turns;
}

function tell(turns: readonly Turn[]): void {
  for (const { who, atMs, text, outcome, latencyMs } of turns) {
    const latency = latencyMs === undefined ? '' : ` [${latencyMs.toFixed(0)} ms after the caller]`;
    console.log(
      `          ${(atMs / 1000).toFixed(1).padStart(5)} s  ${who.padEnd(6)}  ${text}${outcome === 'interrupted' ? ' (interrupted)' : ''}${latency}`,
    );
  }
}

function quality(call: Call): string {
  const stats = call.stats();
  if (stats === undefined) return 'no media';
  const { receivedPackets, receivedLost, jitterMs, concealedMs, receivedMos } = stats;
  return `quality: ${receivedPackets} packets in, ${receivedLost} lost, jitter ${jitterMs.toFixed(1)} ms, ${concealedMs} ms made up, MOS ${receivedMos.toFixed(2)}`;
}

export async function demo(options: {
  readonly once: boolean;
  readonly folder: string;
  readonly port?: number;
}): Promise<Visit | undefined> {
  await mkdir(options.folder, { recursive: true });
  const { SIP_URI, SIP_PASSWORD, SIP_REGISTRAR, TRANSFER_TO } = process.env;
  const users = { bot: 'secret', phone: 'secret' };
  const registrar = new LocalRegistrar({ port: options.port ?? 0, users });
  await registrar.start();
  const home = registrar.address;
  const speech = offlineSpeech();
  console.log(`The receptionist ${speech.what}.`);

  const bot = new SipBot({
    uri: SIP_URI ?? `sip:bot@${home}`,
    password: SIP_PASSWORD ?? users.bot,
    speech: { voice: speech.voice, ...(speech.recogniser === undefined ? {} : { recogniser: speech.recogniser }) },
    ...(SIP_REGISTRAR === undefined ? {} : { registrar: SIP_REGISTRAR }),
    ...(SIP_URI === undefined ? loopback : {}),
  });
  const ladder = new Ladder({ names: { [home]: 'registrar' } });
  bot.on('trace', (message) => {
    const arrow = ladder.add(message);
    if (arrow !== undefined) console.log(ladder.line(arrow));
  });
  const visits: Promise<Visit>[] = [];
  const welcome = async (call: Call): Promise<Visit> => {
    await call.answer();
    const recording = call.record(join(options.folder, 'call.wav'), { stereo: true });
    const visit = await receptionist(call, {
      folder: options.folder,
      by: speech.recogniser === undefined ? 'keys' : 'speech',
      ...(TRANSFER_TO === undefined ? {} : { transferTo: TRANSFER_TO }),
    });
    await recording.done;
    tell(call.turns);
    console.log(`          ${quality(call)}`);
    await writeFile(join(options.folder, 'turns.json'), `${JSON.stringify(call.turns, undefined, 2)}\n`);
    await writeFile(join(options.folder, 'call.svg'), ladder.toSvg());
    console.log(`          the caller chose ${visit.choices.join(', ') || 'nothing'}; messages: ${visit.messages.join(', ') || 'none'}`);
    console.log(`          in ${options.folder}: call.wav, turns.json, call.svg`);
    return visit;
  };
  bot.on('call', (call: Call) => {
    const visit = welcome(call);
    visits.push(visit);
    return visit;
  });
  bot.on('registered', ({ account, expiresS }) => console.log(`          ${account} is registered for ${expiresS} s`));
  bot.on('registrationFailed', ({ reason, advice }) => console.log(`          registration failed: ${reason}. ${advice}`));
  await bot.start();

  if (SIP_URI === undefined) {
    let turns = await scriptedCaller(`sip:bot@${home}`, speech);
    if (!(await leftMessage(await visits.at(-1)))) {
      console.log('\nThe scripted caller was not understood, and calls again.');
      turns = await scriptedCaller(`sip:bot@${home}`, speech);
    }
    console.log('\nThe scripted caller said:');
    tell(turns.filter(({ who }) => who === 'bot').map(({ who: _, ...turn }) => ({ who: 'caller', ...turn })));
  }
  if (options.once) {
    await bot.stop({ drainMs: 2000 });
    await registrar.close();
    await speech.close();
    return visits.at(-1);
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
    void bot.stop({ drainMs: 30_000 }).then(() => Promise.all([registrar.close(), speech.close()]));
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  return visits.at(-1);
}

async function heardIn(path: string, channel: number): Promise<Heard> {
  const sound = readWav(await readFile(path));
  return new Heard(soundChannel(sound, channel), sound.sampleRate);
}

/** Spoken into the tone, or before it, it is none. */
async function leftMessage(visit: Visit | undefined): Promise<boolean> {
  const [message, ...others] = visit?.messages ?? [];
  return message !== undefined && others.length === 0 && (await heardIn(message, 0)).durationMs >= MESSAGE_MS;
}

/** What is wrong with what the demonstration left behind, by its files alone. */
async function faults(visit: Visit | undefined, folder: string): Promise<string[]> {
  if (visit?.messages.length !== 1) return ['the scripted caller left no message'];
  const found: string[] = [];
  const listen = async (path: string, channel: number, atLeastMs: number, what: string): Promise<void> => {
    const { durationMs, level } = await heardIn(path, channel);
    console.log(`          ${what}: ${(durationMs / 1000).toFixed(1)} s, level ${level.toFixed(0)}`);
    if (durationMs < atLeastMs || level < 100) found.push(`${what} is missing in ${path}`);
  };
  await listen(visit.messages[0]!, 0, MESSAGE_MS, 'the message');
  await listen(join(folder, 'call.wav'), 0, 10_000, 'the caller in the recording');
  await listen(join(folder, 'call.wav'), 1, 10_000, 'the receptionist in the recording');
  const turns = JSON.parse(await readFile(join(folder, 'turns.json'), 'utf8')) as Turn[];
  if (!turns.some(({ who, text }) => who === 'bot' && text.startsWith('It is '))) found.push('the time was not told');
  if (!turns.some(({ latencyMs }) => latencyMs !== undefined)) found.push('no turn says how long it took');
  return found;
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, folder: { type: 'string', default: 'recordings' } },
  });
  const visit = await demo({ once: values.once, folder: values.folder, ...(values.once ? {} : { port: 5060 }) });
  const found = values.once ? await faults(visit, values.folder) : [];
  for (const fault of found) console.error(`Something is wrong: ${fault}.`);
  if (found.length > 0) process.exitCode = 1;
}
