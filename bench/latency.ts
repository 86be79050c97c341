/**
 * What the bot adds to a conversation: from a packet of sound that a telephone sends to the bot's event, and from the bot's write to the packet that the
 * telephone gets, at 1, 50 and 200 calls. Telephones are sockets in this process, the bot is another. Beside it what is the jitter buffer's, the
 * packet's and the network's. `npx tsx bench/latency.ts [--calls 1,50,200] [--seconds 10]`
 */
import { fork } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseRtp, RtpHeader, writeRtp } from '../src/rtp.js';
import { UserAgent } from '../src/sip.js';
import type { FromBot, ToBot } from './latency-bot.js';
import { save, Table } from './report.js';

const { values } = parseArgs({ options: { calls: { type: 'string', default: '1,50,200' }, seconds: { type: 'string', default: '10' } } });
const HOST = '127.0.0.1';
const PACKET_MS = 20;
const SILENCE = 0xff;
const LOUD = 0x80;
/** A click in every call, so often. */
const CLICK_EVERY = 47;
const SETTLE_MS = 3000;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

class Telephone {
  readonly socket: Socket = createSocket('udp4');
  /** Of each click: sent, and heard again. */
  readonly clicks: { sentAt: number; backAt: number }[] = [];
  port = 0;
  #target: number;
  #packets: number;
  readonly #packet = Buffer.alloc(172);
  readonly #into = new RtpHeader();
  readonly #header = Object.assign(new RtpHeader(), { ssrc: 1, payloadType: 0 });

  constructor(index: number) {
    this.#target = 0;
    this.#packets = (index * 13) % CLICK_EVERY;
    this.#header.ssrc = 1000 + index;
    this.socket.on('message', (bytes) => {
      const last = this.clicks.at(-1);
      if (last === undefined || last.backAt > 0 || parseRtp(bytes, bytes.length, this.#into)?.payloadType !== 0) return;
      if (bytes.subarray(12).some((byte) => (byte & 0x7f) < 0x30)) last.backAt = now();
    });
  }

  async bind(): Promise<void> {
    this.socket.bind(0, HOST);
    await once(this.socket, 'listening');
    this.port = this.socket.address().port;
  }

  aim(port: number): void {
    this.#target = port;
  }

  send(isMeasuring: boolean): void {
    if (this.#target === 0) return;
    const isClick = isMeasuring && ++this.#packets % CLICK_EVERY === 0;
    this.#header.sequence = (this.#header.sequence + 1) & 0xffff;
    this.#header.timestamp = (this.#header.timestamp + 160) >>> 0;
    writeRtp(this.#packet, this.#header);
    this.#packet.fill(isClick ? LOUD : SILENCE, 12);
    if (isClick) this.clicks.push({ sentAt: now(), backAt: 0 });
    this.socket.send(this.#packet, this.#target, HOST);
  }
}

/** A packet there and back, over plain sockets. */
async function networkMs(): Promise<number[]> {
  const [a, b] = [createSocket('udp4'), createSocket('udp4')];
  b.on('message', (bytes, from) => b.send(bytes, from.port, from.address));
  for (const socket of [a, b]) {
    socket.bind(0, HOST);
    await once(socket, 'listening');
  }
  const trips: number[] = [];
  for (let i = 0; i < 200; i++) {
    const sentAt = now();
    a.send(Buffer.alloc(172), b.address().port, HOST);
    await once(a, 'message');
    trips.push((now() - sentAt) / 2);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  a.close();
  b.close();
  return trips;
}

const quantile = (all: readonly number[], share: number): number => {
  const sorted = [...all].sort((x, y) => x - y);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
};
const spread = (all: readonly number[]) => ({ p50: quantile(all, 0.5), p99: quantile(all, 0.99), of: all.length });

async function measure(calls: number) {
  const telephones = Array.from({ length: calls }, (_, i) => new Telephone(i));
  await Promise.all(telephones.map((one) => one.bind()));
  const agent = new UserAgent({ listen: [{ transport: 'udp', host: HOST, port: 0 }] });
  await agent.start();
  agent.on('invite', (incoming) => {
    const telephone = telephones[Number(incoming.request.uri.user)]!;
    telephone.aim(Number(/^m=audio (\d+)/m.exec(Buffer.from(incoming.request.body).toString())?.[1]));
    const lines = ['v=0', `o=- 1 1 IN IP4 ${HOST}`, 's=-', `c=IN IP4 ${HOST}`, 't=0 0', `m=audio ${telephone.port} RTP/AVP 0`, ''];
    void incoming.accept({ body: { contentType: 'application/sdp', bytes: Buffer.from(lines.join('\r\n')) } });
  });
  const bot = fork(fileURLToPath(new URL('./latency-bot.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
  const answer = async <T extends FromBot['type']>(type: T): Promise<Extract<FromBot, { type: T }>> => {
    for (;;) {
      const [message] = (await once(bot, 'message')) as [FromBot];
      if (message.type === type) return message as Extract<FromBot, { type: T }>;
    }
  };
  const tell = (message: ToBot): void => void bot.send(message);
  await answer('ready');
  tell({ type: 'dial', calls, port: agent.addresses[0]!.port });
  await answer('dialled');
  // A twentieth of the telephones each millisecond.
  let measuring = false;
  let slot = 0;
  const begun = now();
  const timer = setInterval(() => {
    for (; slot < now() - begun; slot++) for (let i = slot % PACKET_MS; i < calls; i += PACKET_MS) telephones[i]!.send(measuring);
  }, 1);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  measuring = true;
  await new Promise((resolve) => setTimeout(resolve, Number(values.seconds) * 1000));
  measuring = false;
  await new Promise((resolve) => setTimeout(resolve, 500));
  tell({ type: 'end' });
  const { heard, bufferMs } = await answer('heard');
  clearInterval(timer);
  await once(bot, 'exit');
  await agent.close();
  for (const { socket } of telephones) socket.close();
  const inward: number[] = [];
  const outward: number[] = [];
  let lost = 0;
  for (const [i, { clicks }] of telephones.entries())
    for (const [n, { sentAt, backAt }] of clicks.entries()) {
      const at = heard[i]![n];
      if (at === undefined || backAt === 0) {
        lost++;
        continue;
      }
      inward.push(at - sentAt);
      outward.push(backAt - at);
    }
  return { calls, in: spread(inward), out: spread(outward), bufferMs, lost };
}

const network = spread(await networkMs());
const results = [];
const table = new Table([
  'calls',
  'sound in → event p50 / p99 ms',
  'of it the jitter buffer',
  'write → wire p50 / p99 ms',
  'clicks',
  'lost',
]);
for (const calls of values.calls.split(',').map(Number)) {
  const result = await measure(calls);
  results.push(result);
  const { in: inward, out, bufferMs, lost } = result;
  const ms = (value: number): string => value.toFixed(1);
  table.row([calls, `${ms(inward.p50)} / ${ms(inward.p99)}`, ms(bufferMs), `${ms(out.p50)} / ${ms(out.p99)}`, inward.of, lost]);
}
console.log(
  `\nnetwork, one way, plain sockets: p50 ${network.p50.toFixed(2)}, p99 ${network.p99.toFixed(2)} ms; a packet is ${PACKET_MS} ms of sound`,
);
save('latency', { network, packetMs: PACKET_MS, results });
process.exit(0);
