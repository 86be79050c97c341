/** Ledger truth: what `interrupt()` and `clear()` say was played, against a receiver that is none of ours and counts the samples that arrive. */
import { createSocket } from 'node:dgram';
import { describe, expect, test } from 'vitest';
import { SipBot } from '../../src/bot/sip-bot.js';
import { type Decoder, decoder } from '../../src/codec.js';
import { parseRtp, RtpHeader } from '../../src/rtp.js';
import { UserAgent } from '../../src/sip.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { World } from './support/world.js';

const PACKET_MS = 20;
/** Loud enough to be told from silence at either side of a filter. */
const LOUD = 12_000;

/** Counts what is loud in G.711 packets as they come. */
class Counter {
  readonly #header = new RtpHeader();
  readonly #decoder: Decoder = decoder('pcmu');
  readonly #pcm = new Int16Array(1600);
  loudSamples = 0;

  take(bytes: Uint8Array): void {
    if (parseRtp(bytes, bytes.length, this.#header) === undefined || this.#header.payloadType !== 0) return;
    const count = this.#decoder.decode(bytes, this.#header.payloadOffset, this.#header.payloadLength, this.#pcm, 0);
    for (let i = 0; i < count; i++) if (Math.abs(this.#pcm[i]!) > LOUD / 2) this.loudSamples++;
  }

  get loudMs(): number {
    return this.loudSamples / 8;
  }
}

const sound = (ms: number, sampleRate: number): Int16Array => new Int16Array((ms * sampleRate) / 1000).fill(LOUD);

describe('in memory: 100 random moments each', () => {
  test.each([
    ['play, interrupted', 8000, 0],
    ['play, interrupted', 16_000, 1],
    ['play behind another, interrupted', 8000, 0],
    ['play, replaced', 8000, 0],
    ['written, cleared', 8000, 0],
    ['written, cleared', 48_000, 1],
  ] as const)('%s, at %i Hz', async (how, sampleRate, edgeMs) => {
    const random = new SeededRandom(sampleRate + how.length);
    const world = new World({ jitterMs: 3 });
    const counter = new Counter();
    const { onDatagram } = world.network;
    world.network.onDatagram = (bytes, from, to) => {
      onDatagram?.(bytes, from, to);
      if (from.address === '10.0.0.1' && from.port !== 5060 && from.port % 2 === 0) counter.take(bytes);
    };
    const [caller, callee] = [await world.bot(1, { codecs: ['pcmu'], audio: { sampleRate } }), await world.bot(2)];
    callee.on('call', (call) => call.answer());
    const [call] = await world.talking(caller, 2);
    for (let i = 0; i < 100; i++) {
      const before = counter.loudMs;
      const playedBefore = call.audio.playedMs;
      const momentMs = 1 + (random.uint32() / 0x1_0000_0000) * 500;
      let saidMs: number;
      if (how === 'written, cleared') {
        call.audio.write(sound(2000, sampleRate));
        await world.run(momentMs);
        const { playedMs, droppedMs } = call.audio.clear();
        saidMs = playedMs;
        expect(saidMs + droppedMs).toBeCloseTo(2000, 6);
        expect(call.audio.playedMs - playedBefore).toBeCloseTo(saidMs, 6);
      } else {
        const first = how === 'play behind another, interrupted' ? call.play(sound(100, sampleRate)) : undefined;
        const playout = call.play(sound(2000, sampleRate));
        await world.run(momentMs);
        if (how === 'play, replaced') {
          const silence = call.play(new Int16Array(10), { mode: 'replace' });
          ({ playedMs: saidMs } = await world.until(playout.done));
          await world.until(silence.done);
        } else {
          ({ playedMs: saidMs } = playout.interrupt());
          expect(await world.until(playout.done)).toEqual({ outcome: 'interrupted', playedMs: saidMs });
        }
        if (first !== undefined) saidMs += (await world.until(first.done)).playedMs;
      }
      await world.run(300);
      const arrivedMs = counter.loudMs - before;
      expect(Math.abs(arrivedMs - saidMs)).toBeLessThanOrEqual(PACKET_MS + edgeMs);
    }
    await world.until(call.hangup());
    await world.close();
  });
});

describe.each([0, 1])('over sockets, %i media threads', (threads) => {
  test('12 calls at once, interrupted at random moments', async () => {
    const counters: Counter[] = [];
    const sockets: ReturnType<typeof createSocket>[] = [];
    const peer = new UserAgent({ listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }] });
    await peer.start();
    peer.on('invite', (incoming) => {
      const counter = new Counter();
      const socket = createSocket('udp4', (bytes) => counter.take(bytes));
      counters[Number(incoming.request.uri.user)] = counter;
      sockets.push(socket);
      socket.bind(0, '127.0.0.1', () => {
        const lines = [
          'v=0',
          'o=- 1 1 IN IP4 127.0.0.1',
          's=-',
          'c=IN IP4 127.0.0.1',
          't=0 0',
          `m=audio ${socket.address().port} RTP/AVP 0`,
          '',
        ];
        void incoming.accept({ body: { contentType: 'application/sdp', bytes: Buffer.from(lines.join('\r\n')) } });
      });
    });
    const bot = new SipBot({
      threads,
      codecs: ['pcmu'],
      audio: { sampleRate: 8000 },
      rtpHost: '127.0.0.1',
      rtpPorts: [40_000, 41_000],
      listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
    });
    await bot.start();
    const calls = await Promise.all(Array.from({ length: 12 }, (_, i) => bot.dial(`sip:${i}@127.0.0.1:${peer.addresses[0]!.port}`)));
    const said = await Promise.all(
      calls.map(async (call, i) => {
        const playout = call.play(sound(2000, 8000));
        await new Promise((resolve) => setTimeout(resolve, 40 + i * 37 + Math.random() * 30));
        return playout.interrupt().playedMs;
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 150));
    const arrived = counters.map((counter) => counter.loudMs);
    await Promise.all(calls.map((call) => call.hangup()));
    await bot.stop();
    await peer.close();
    for (const socket of sockets) socket.close();
    for (const [i, ms] of said.entries()) {
      expect(ms).toBeGreaterThan(0);
      expect(Math.abs(arrived[i]! - ms)).toBeLessThanOrEqual(PACKET_MS);
    }
  });
});
