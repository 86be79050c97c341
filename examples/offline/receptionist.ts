/** A receptionist with no cloud behind it: greets by the hour, takes messages, tells the time, tests the line, transfers. By voice or by key. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Call, type Listened, sineTone, type Utterance } from 'sipbot';
import { writeWav } from 'sipbot/codec';

export interface ReceptionistOptions {
  /** Where messages go. */
  readonly folder: string;
  /** Who takes a call that wants a person. @default nobody */
  readonly transferTo?: string;
  /** Open from, until, in hours. @default 9, 17 */
  readonly hours?: readonly [number, number];
  /** Open on these days, 0 is Sunday. @default Monday to Friday */
  readonly days?: readonly number[];
  readonly now?: () => Date;
  /** Only keys: without a recogniser the menu does not ask for words. @default 'speech' */
  readonly by?: 'speech' | 'keys';
  /** Keeps a file of a message. @default on disk, its folder made */
  readonly keep?: (path: string, content: Uint8Array | string) => Promise<void>;
}

export interface Visit {
  readonly choices: readonly string[];
  readonly messages: readonly string[];
}

/** What may be said, and the key for it. */
const CHOICES = { message: '1', time: '2', echo: '3', operator: '4', goodbye: '9' } as const;
type Choice = keyof typeof CHOICES;
const PHRASES: Readonly<Record<string, Choice>> = {
  message: 'message',
  'leave a message': 'message',
  time: 'time',
  'what time is it': 'time',
  echo: 'echo',
  'echo test': 'echo',
  operator: 'operator',
  goodbye: 'goodbye',
};
export const SENTENCES = {
  morning: 'Good morning.',
  afternoon: 'Good afternoon.',
  closed: 'Hello. We are closed at the moment.',
  spoken: 'Please say message, time, echo, operator, or goodbye.',
  keyed: 'For a message press 1, for the time 2, for an echo test 3, for the operator 4, to end 9.',
  again: 'Sorry, I did not understand that.',
  record: 'Please speak after the tone.',
  thanks: 'Thank you. Your message was saved.',
  nothing: 'I heard nothing.',
  echo: 'Say something, and you will hear it again.',
  good: 'Your line is good.',
  fair: 'Your line is fair.',
  poor: 'Your line is poor.',
  transfer: 'One moment please.',
  nobody: 'Nobody can take your call now.',
  goodbye: 'Goodbye.',
} as const;

const MOST_CHOICES = 20;
/** A pause this long ends a message. */
const MESSAGE_PAUSE_MS = 2500;
const ECHO_MS = 4000;

export async function receptionist(call: Call, options: ReceptionistOptions): Promise<Visit> {
  const choices: string[] = [];
  const messages: string[] = [];
  const { now = () => new Date() } = options;
  call.say(greetingAt(now(), options));
  while (call.end === undefined && choices.length < MOST_CHOICES) {
    const choice = await choose(call, options.by ?? 'speech');
    if (choice === undefined) break;
    choices.push(choice);
    if (choice === 'message') messages.push(...(await takeMessage(call, options)));
    else if (choice === 'time') call.say(timeOf(now()));
    else if (choice === 'echo') await echo(call);
    else if (choice === 'operator' && (await transfer(call, options.transferTo))) return { choices, messages };
    else if (choice === 'goodbye') break;
  }
  await call.say(SENTENCES.goodbye, { interruptible: false }).done;
  await call.hangup();
  return { choices, messages };
}

export function greetingAt(date: Date, { hours: [from, until] = [9, 17], days = [1, 2, 3, 4, 5] }: Partial<ReceptionistOptions>): string {
  const hour = date.getHours();
  if (!days.includes(date.getDay()) || hour < from || hour >= until) return SENTENCES.closed;
  return hour < 12 ? SENTENCES.morning : SENTENCES.afternoon;
}

async function choose(call: Call, by: 'speech' | 'keys'): Promise<Choice | undefined> {
  const menu = by === 'speech' ? SENTENCES.spoken : SENTENCES.keyed;
  const heard = await call.ask(menu, {
    phrases: Object.keys(PHRASES),
    maxKeys: 1,
    timeoutMs: 5000,
    reprompts: [`${SENTENCES.again} ${menu}`, `${SENTENCES.again} ${SENTENCES.keyed}`],
    accept: (answer) => choiceOf(answer) !== undefined,
  });
  return choiceOf(heard);
}

function choiceOf({ text, keys }: Listened): Choice | undefined {
  if (keys === '') return PHRASES[text];
  return (Object.keys(CHOICES) as Choice[]).find((choice) => CHOICES[choice] === keys);
}

/** Until a long pause, a key, or the end of the call; what was said is kept in any case. */
async function takeMessage(call: Call, { folder, keep = onDisk }: ReceptionistOptions): Promise<string[]> {
  await call.say(SENTENCES.record, { interruptible: false }).done;
  await call.play(sineTone(880, 250)).done;
  const parts: Utterance[] = [];
  for (;;) {
    const heard = await call.listen({ timeoutMs: parts.length === 0 ? 6000 : MESSAGE_PAUSE_MS, maxKeys: 1 });
    if (heard.utterance !== undefined) parts.push(heard.utterance);
    if (heard.ended !== 'speech') break;
  }
  if (parts.length === 0) {
    call.say(SENTENCES.nothing);
    return [];
  }
  const path = await save(call, folder, parts, keep);
  call.say(SENTENCES.thanks);
  return [path];
}

/** One WAV of all that was said, and a note beside it. */
async function save(call: Call, folder: string, parts: readonly Utterance[], keep: typeof onDisk): Promise<string> {
  const samples = Int16Array.from(parts.flatMap((part) => [...part.samples]));
  const at = new Date();
  const name = `message-${at.toISOString().replace(/\D/g, '').slice(0, 17)}`;
  const { sampleRate } = call;
  await keep(join(folder, `${name}.wav`), writeWav(samples, { sampleRate }));
  const durationMs = Math.round((samples.length * 1000) / sampleRate);
  const note = { from: call.from.uri, at: at.toISOString(), durationMs, file: `${name}.wav`, call: call.id };
  await keep(join(folder, `${name}.json`), `${JSON.stringify(note, undefined, 2)}\n`);
  return join(folder, `${name}.wav`);
}

async function onDisk(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

async function echo(call: Call): Promise<void> {
  await call.say(SENTENCES.echo, { interruptible: false }).done;
  const back = ({ samples }: { readonly samples: Int16Array }): void => void call.audio.write(samples);
  call.audio.on('frame', back);
  await call.gather({ max: 1, timeoutMs: ECHO_MS });
  call.audio.off('frame', back);
  const mos = call.stats()?.receivedMos ?? 0;
  call.say(mos >= 4 ? SENTENCES.good : mos >= 3.3 ? SENTENCES.fair : SENTENCES.poor);
}

async function transfer(call: Call, to: string | undefined): Promise<boolean> {
  if (to !== undefined) {
    await call.say(SENTENCES.transfer).done;
    const { outcome } = await call.transfer(to, { fallback: 'bridge' });
    if (outcome !== 'failed') return true;
  }
  call.say(SENTENCES.nobody);
  return false;
}

/** 14:25 → 'It is 2 20 5 p m.': words that recordings have too. */
export function timeOf(date: Date): string {
  const hour = date.getHours();
  const minute = date.getMinutes();
  const tens = minute - (minute % 10);
  const minutes =
    minute === 0 ? "o'clock" : minute < 10 ? `0 ${minute}` : minute < 20 || minute === tens ? `${minute}` : `${tens} ${minute % 10}`;
  return `It is ${hour % 12 || 12} ${minutes} ${hour < 12 ? 'a m' : 'p m'}.`;
}
