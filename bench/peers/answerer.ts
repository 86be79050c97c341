/**
 * Our side of the line, one program, as its argument says: `signalling`, a `UserAgent` with a description that leads nowhere; `floor`, the same with a
 * bare socket for each call that sends back what comes, and nothing else; `answer`, a `SipBot` that answers; `echo`, one whose `EchoBot` talks back.
 * Says when it is up and waits to be ended.
 */
import { createSocket } from 'node:dgram';
import { EchoBot } from '../../src/bot/echo-bot.js';
import type { SampleRate } from '../../src/bot/options.js';
import { SipBot } from '../../src/bot/sip-bot.js';
import { Lateness } from '../../src/rtp/media-clock.js';
import type { IncomingInvite } from '../../src/sip/ua/invite-incoming.js';
import { UserAgent } from '../../src/sip/ua/user-agent.js';
import { offer } from '../load/description.js';
import { noLookup } from '../load/sip-caller.js';
import type { OwnFigures } from './peer.js';

export interface Role {
  readonly as: 'signalling' | 'floor' | 'answer' | 'echo';
  readonly host: string;
  readonly port: number;
  readonly sampleRate?: SampleRate;
  readonly threads?: number;
}

const role = JSON.parse(process.argv[2]!) as Role;
const listen = [{ transport: 'udp', host: role.host, port: role.port }] as const;

/** A bare socket that echoes; its port, and how to be rid of it. */
async function openEcho(): Promise<{ readonly port: number; close(): void }> {
  const socket = createSocket({ type: 'udp4', lookup: noLookup });
  await new Promise<void>((resolve) => socket.bind(0, role.host, resolve));
  socket.on('message', (bytes, remote) => socket.send(bytes, remote.port, remote.address));
  return { port: socket.address().port, close: () => socket.close() };
}

async function answerByHand(): Promise<void> {
  const agent = new UserAgent({ listen });
  agent.on('invite', (call) => void accept(call));
  await agent.start();
}

async function accept(call: IncomingInvite): Promise<void> {
  call.handler = {};
  void call.progress(180);
  const echo = role.as === 'floor' ? await openEcho() : undefined;
  if (echo !== undefined) call.handler = { onEnd: () => echo.close() };
  const body = { contentType: 'application/sdp', bytes: new TextEncoder().encode(offer(role.host, echo?.port ?? 40_000)) };
  call.accept({ body }).catch(() => {});
}

async function answerByBot(): Promise<void> {
  const bot = new SipBot({
    listen,
    rtpHost: role.host,
    allow: ['127.0.0.0/8'],
    ...(role.as === 'echo' && { bot: () => new EchoBot() }),
    ...(role.threads !== undefined && { threads: role.threads }),
    ...(role.sampleRate !== undefined && { codecs: ['pcmu'] as const, audio: { sampleRate: role.sampleRate } }),
  });
  if (role.as === 'answer') {
    bot.on('call', (call) => {
      void call.ring();
      call.answer().catch(() => {});
    });
  }
  await bot.start();
  reportWhenAsked(bot);
}

/** Each answer is of the time since the one before. */
function reportWhenAsked(bot: SipBot): void {
  const read = () => {
    const { threads } = bot.stats().media;
    const counts = new Float64Array(Lateness.buckets);
    for (const { lateness } of threads) for (const [i, count] of lateness.counts.entries()) counts[i]! += count;
    const calls = [...bot.calls.values()].map((call) => call.stats());
    const sum = (pick: (one: NonNullable<(typeof calls)[number]>) => number): number =>
      calls.reduce((total, one) => total + (one === undefined ? 0 : pick(one)), 0);
    return {
      counts,
      skippedMs: threads.reduce((total, one) => total + one.skippedMs, 0),
      late: sum((one) => one.receivedLate),
      concealedMs: sum((one) => one.concealedMs),
    };
  };
  let before = read();
  process.on('message', () => {
    const now = read();
    const counts = now.counts.map((count, i) => count - before.counts[i]!);
    const at = (q: number): number => Lateness.quantile(counts, q);
    const figures: OwnFigures = {
      departures: { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) },
      skippedMs: now.skippedMs - before.skippedMs,
      lateFrames: now.late - before.late,
      concealedMs: now.concealedMs - before.concealedMs,
    };
    before = now;
    process.send!(figures);
  });
}

process.on('SIGTERM', () => process.exit(0));
void (role.as === 'signalling' || role.as === 'floor' ? answerByHand() : answerByBot()).then(() => console.log('up'));
