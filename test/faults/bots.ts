/** Bots on real sockets of this machine, and what a call of theirs hears: for faults that only a real system has. */
import { readdirSync, readlinkSync } from 'node:fs';
import type { Call, CallEnd } from '../../src/bot/call.js';
import type { SipBotOptions } from '../../src/bot/options.js';
import { SipBot } from '../../src/bot/sip-bot.js';
import { sineTone } from '../../src/codec/tones.js';
import { LocalRegistrar } from '../../src/testing/local-registrar.js';

export const HOST = '127.0.0.1';

const closing: (() => unknown)[] = [];

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close();
}

export function later(close: () => unknown): void {
  closing.push(close);
}

export async function startBot(options: SipBotOptions = {}): Promise<SipBot> {
  const bot = new SipBot({
    listen: [{ transport: 'udp', host: HOST }],
    rtpHost: HOST,
    rtpPorts: [31_000, 32_999],
    threads: 1,
    allow: ['127.0.0.0/8'],
    ...options,
  });
  later(() => bot.stop());
  await bot.start();
  return bot;
}

/** Takes every call and says back what it hears. */
export async function startEcho(options: SipBotOptions = {}): Promise<SipBot> {
  const bot = await startBot(options);
  bot.on('call', async (call) => {
    await call.answer();
    call.audio.on('frame', (frame) => void call.audio.write(frame.samples));
  });
  return bot;
}

export async function startRegistrar(port = 0): Promise<LocalRegistrar> {
  const registrar = new LocalRegistrar({ port, users: { bot: 'secret' } });
  later(() => registrar.close());
  await registrar.start();
  return registrar;
}

export function uriOf(bot: SipBot, transport = 'udp'): string {
  const { port } = bot.addresses.find((address) => address.transport === transport)!;
  return transport === 'udp' ? `sip:x@${HOST}:${port}` : `sip:x@${HOST}:${port};transport=${transport}`;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(done: () => boolean, what: string, limitMs = 20_000): Promise<void> {
  for (const end = performance.now() + limitMs; !done(); await pause(10))
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
}

export function whenEnded(call: Call): Promise<CallEnd> {
  return new Promise((resolve) => (call.end === undefined ? call.once('ended', resolve) : resolve(call.end)));
}

/** A tone is sent, and loud frames come back: both ways are whole. */
export async function isEchoed(call: Call, limitMs = 15_000): Promise<boolean> {
  let loud = 0;
  const listen = (frame: { readonly samples: Int16Array; readonly source: string }): void => {
    if (frame.source === 'heard' && frame.samples.some((sample) => Math.abs(sample) > 1500)) loud++;
  };
  call.audio.on('frame', listen);
  const playout = call.play(sineTone(1000, limitMs));
  for (const end = performance.now() + limitMs; loud < 10 && performance.now() < end && call.end === undefined; ) await pause(20);
  playout.interrupt();
  call.audio.off('frame', listen);
  return loud >= 10;
}

/** Open file descriptors of this process; of one file, where it is named. */
export function descriptors(file?: string): number {
  const folder = '/proc/self/fd';
  return readdirSync(folder).filter((name) => file === undefined || targetOf(`${folder}/${name}`) === file).length;
}

/** The one that reads the folder is gone again by now. */
function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
