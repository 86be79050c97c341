/** The bot under attack: echoes honest calls of one trunk, has one user with a password, and says what it counts when its parent asks. */
import type { Call } from '../../src/bot/call.js';
import { SipBot } from '../../src/bot/sip-bot.js';
import { BOT, type BotReport, HONEST, PASSWORD, USER } from './wire.js';

const warnings: string[] = [];
const bot = new SipBot({
  listen: [
    { transport: 'udp', host: BOT, port: 5060 },
    { transport: 'tcp', host: BOT, port: 5060 },
  ],
  rtpHost: BOT,
  rtpPorts: [20_000, 20_400],
  trunks: [{ name: 'honest', hosts: [HONEST] }],
  users: { [USER]: PASSWORD },
  codecs: ['pcmu'],
  audio: { sampleRate: 8000 },
  maxCalls: 200,
  maxCallsPerSource: 100,
  logger: {
    debug: () => {},
    info: () => {},
    warn: (_fields, message) => void warnings.push(message),
    error: (_fields, message) => void warnings.push(message),
  },
});
const ended: string[] = [];
const calls = new Set<Call>();

bot.on('call', (call) => {
  calls.add(call);
  call.on('ended', (end) => {
    calls.delete(call);
    if (end.reason !== 'hangup') ended.push(`${end.reason} ${end.status}`);
  });
  call.audio.on('frame', (frame) => void call.audio.write(frame.samples));
  void call.answer();
});

let blockedMs = 0;
let last = performance.now();
setInterval(() => {
  blockedMs = Math.max(blockedMs, performance.now() - last - 20);
  last = performance.now();
}, 20);

process.on('message', () => {
  let most = 0;
  const sum = { lost: 0, late: 0, concealedMs: 0, skipped: 0, foreign: 0 };
  for (const call of calls) {
    const stats = call.stats();
    if (stats === undefined) continue;
    sum.lost += stats.receivedLost;
    most = Math.max(most, stats.receivedLost);
    sum.late += stats.receivedLate;
    sum.concealedMs += stats.concealedMs;
    sum.skipped += stats.sentSkipped;
    sum.foreign += stats.receivedForeign;
  }
  const { user, system } = process.cpuUsage();
  const { signalling, guard, media, strangers } = bot.stats();
  const report: BotReport = {
    ...sum,
    lostElsewhere: sum.lost - most,
    calls: calls.size,
    ended,
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
    heapBytes: process.memoryUsage().heapUsed,
    blockedMs,
    departureP99: Math.max(...media.threads.map((thread) => thread.lateness.p99)),
    taken: signalling.transport.received + guard.shutOut + guard.denied,
    answered: signalling.transport.sent,
    transactions: signalling.transactions.servers,
    connections: signalling.transport.refusedConnections,
    guard,
    refused: strangers.refused,
    warnings: warnings.length,
  };
  blockedMs = 0;
  process.send!(report);
});

await bot.start();
process.send!('ready');
