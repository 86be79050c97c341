/** Where traces are recorded: our addresses and the peers', started when the first scene asks for them; scenes, and what they have in common. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SipBotOptions } from '../../src/bot.js';
import { startAsterisk } from '../../test/interop/peers/asterisk.js';
import { type Baresip, type BaresipOptions, startBaresip } from '../../test/interop/peers/baresip.js';
import { startKamailio } from '../../test/interop/peers/kamailio.js';
import { sleep } from '../../test/interop/peers/process.js';
import type { Recording } from '../../test/traces/recording.js';

export const US = '127.0.0.61';
export const OUR_PORT = 5060;
export const PBX = '127.0.0.62';
export const PROXY = '127.0.0.63';
export const PHONE = { host: '127.0.0.64', port: 5070 };
export const SIPP = '127.0.0.65';
export const work = mkdtempSync(join(tmpdir(), 'sipbot-traces-'));

export interface Scene {
  readonly name: string;
  readonly shows: string;
  readonly peer: string;
  readonly bot: () => SipBotOptions;
  readonly media: 'with media' | 'signalling only';
  readonly play: (recording: Recording) => Promise<void>;
}

export const scenes: Scene[] = [];

export const BASE: SipBotOptions = {
  listen: [{ transport: 'udp', host: US, port: OUR_PORT }],
  rtpHost: US,
  codecs: ['pcmu'],
  mediaTimeoutMs: 0,
  allow: ['127.0.0.0/8'],
};

export function scene(name: string, peer: string, shows: string, bot: SipBotOptions | (() => SipBotOptions), play: Scene['play']): void {
  const media = /ms of sound|RFC 4733/.test(shows) ? 'with media' : 'signalling only';
  scenes.push({ name, shows, peer, bot: () => ({ ...BASE, ...(typeof bot === 'function' ? bot() : bot) }), media, play });
}

export async function expectTold(recording: Recording, pattern: RegExp, limitMs?: number): Promise<void> {
  if ((await recording.told(pattern, limitMs)) === undefined) throw new Error(`never told ${pattern}:\n${recording.story.join('\n')}`);
}

/** Of the peers that were needed. */
export const versions: Record<string, string> = {};
const ends: (() => unknown)[] = [];

/** Ended with the rest, the last first. */
export function atEnd(stop: () => unknown): void {
  ends.unshift(stop);
}

export async function end(): Promise<void> {
  for (const stop of ends) await stop();
}

/** One for all scenes: started for the first that asks, put away at the end. */
export function shared<P extends { readonly version: string; stop(): Promise<void> }>(
  peer: string,
  start: () => Promise<P>,
): () => Promise<P> {
  let started: Promise<P> | undefined;
  const begin = async (): Promise<P> => {
    const one = await start();
    versions[peer] = one.version;
    atEnd(() => one.stop());
    return one;
  };
  return () => {
    started ??= begin();
    return started;
  };
}

export const asterisk = shared('Asterisk', () => startAsterisk({ host: PBX, folder: join(work, 'asterisk') }));

export function user(number: string, more: SipBotOptions = {}): SipBotOptions {
  return { uri: `sip:${number}@${PBX}`, password: `pw${number}`, expiresS: 120, ...more };
}

export const answered = (recording: Recording): Promise<void> => expectTold(recording, /call 1 answered/);
export const ended = (recording: Recording, limitMs?: number): Promise<void> => expectTold(recording, /call 1 ended/, limitMs);
export const hangUpAfter =
  (ms: number) =>
  async (recording: Recording): Promise<void> => {
    await answered(recording);
    await sleep(ms);
    recording.do('hangup 1');
    await ended(recording);
    await sleep(100);
  };

export const kamailio = shared('Kamailio', () => startKamailio({ host: PROXY, folder: join(work, 'kamailio') }));
export const kamailioSha256 = shared('Kamailio', () =>
  startKamailio({ host: '127.0.0.66', folder: join(work, 'kamailio256'), digest: 'SHA-256' }),
);
export const member = (number: string, host = PROXY): SipBotOptions => ({
  uri: `sip:${number}@sip.test`,
  password: `pw${number}`,
  registrar: `sip:${host}:5060`,
  outboundProxy: `sip:${host}:5060`,
  expiresS: 120,
});

let phones = 0;
export async function phone(options: Partial<BaresipOptions> = {}): Promise<Baresip> {
  phones++;
  return startBaresip({ ...PHONE, folder: join(work, `phone-${phones}`), user: 'phone', domain: PHONE.host, register: false, ...options });
}
