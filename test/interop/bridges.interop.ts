/** Bridges over real sockets and in real time, each to a small server that follows the platform's public description; and the ugly parts. */
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { encoder } from '../../src/codec/registry.js';
import { type Bot, type Call, JambonzListen, OpenAiRealtime, PcmWebSocket, TwilioStreams } from '../../src/index.js';
import { tellFigures } from './figures.js';
import { expectEcho, HERE, type MakeBot, test } from './line.js';
import { sleep, until } from './peers/process.js';

type OnMessage = (socket: WebSocket, data: Buffer, isBinary: boolean) => void;

async function serve(
  onMessage: OnMessage,
  port = 0,
): Promise<{ readonly server: WebSocketServer; readonly port: number; readonly url: string }> {
  const server = new WebSocketServer({ host: HERE, port });
  server.on('connection', (socket) => {
    // Whoever leaves with something unread resets the connection.
    socket.on('error', () => {});
    socket.on('message', (data: RawData, isBinary) => onMessage(socket, data as Buffer, isBinary));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const at = (server.address() as AddressInfo).port;
  return { server, port: at, url: `ws://${HERE}:${at}/` };
}

function stop(server: WebSocketServer): void {
  for (const socket of server.clients) socket.terminate();
  server.close();
}

/** A caller, through to a bot that is this bridge. */
async function through(bot: MakeBot, bridge: Bot): Promise<Call> {
  const listen = [{ transport: 'udp' as const, host: HERE, port: 0 }];
  const there = await bot({ listen, allow: [HERE], codecs: ['pcmu'], bot: () => bridge });
  const us = await bot({ listen, codecs: ['pcmu'] });
  return us.dial(`sip:bridge@${HERE}:${there.addresses[0]!.port}`);
}

const twilioEcho: OnMessage = (socket, data) => {
  const { event, streamSid, media } = JSON.parse(String(data)) as { event: string; streamSid: string; media?: { payload: string } };
  if (event === 'media') socket.send(JSON.stringify({ event, streamSid, media: { payload: media!.payload } }));
};

const pcmEcho: OnMessage = (socket, data, isBinary) => {
  if (isBinary) socket.send(data);
};

function tone(hz: number, ms: number, sampleRate: number): Int16Array {
  return Int16Array.from({ length: (ms * sampleRate) / 1000 }, (_, i) => Math.round(9000 * Math.sin((2 * Math.PI * hz * i) / sampleRate)));
}

function mulaw(samples: Int16Array): Buffer {
  const bytes = Buffer.alloc(samples.length);
  encoder('pcmu').encode(samples, samples.length, bytes, 0);
  return bytes;
}

function loudness(samples: Int16Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

const middle = (list: readonly number[]): number => list.slice().sort((a, b) => a - b)[list.length >> 1]!;

describe('Voice platforms of our own', () => {
  test('Twilio Media Streams: an application that is killed and started again', async ({ bot }) => {
    const first = await serve(twilioEcho);
    const bridge = new TwilioStreams({ url: first.url, live: true });
    const call = await through(bot, bridge);
    await expectEcho(call);
    stop(first.server);
    await sleep(1500);
    expect(bridge.stats()!.state).not.toBe('up');
    const second = await serve(twilioEcho, first.port);
    await until('the bridge is back', () => bridge.stats()!.state === 'up', 10_000);
    await expectEcho(call);
    expect(bridge.stats()).toMatchObject({ connects: 2 });
    await call.hangup();
    stop(second.server);
  });

  test('Twilio Media Streams: an application that does not read for five seconds', async ({ bot, task }) => {
    const { server, url } = await serve(twilioEcho);
    const bridge = new TwilioStreams({ url, live: true });
    const call = await through(bot, bridge);
    await expectEcho(call);
    const [socket] = server.clients;
    socket!.pause();
    await sleep(5000);
    socket!.resume();
    await until('the ping comes back', () => (bridge.stats()!.roundTripMs?.max ?? 0) > 2000);
    await expectEcho(call);
    const { up, roundTripMs, connects } = bridge.stats()!;
    tellFigures(task, { 'longest ping ms': roundTripMs!.max, 'lost ms': up.lostMs });
    expect(connects).toBe(1);
    await call.hangup();
    stop(server);
  });

  test('plain PCM16: 16 kHz there and back', async ({ bot }) => {
    const { server, url } = await serve(pcmEcho);
    const call = await through(bot, new PcmWebSocket({ url, live: true }));
    await expectEcho(call);
    await call.hangup();
    stop(server);
  });

  test('jambonz listen: 8 kHz there and back', async ({ bot }) => {
    const { server, url } = await serve(pcmEcho);
    const call = await through(bot, new JambonzListen({ url, live: true }));
    await expectEcho(call);
    await call.hangup();
    stop(server);
  });

  test('OpenAI Realtime: interrupted twenty times; when the caller hears silence, and what the model is told', async ({ bot, task }) => {
    const truncated: number[] = [];
    let socket: WebSocket | undefined;
    const { server, url } = await serve((from, data) => {
      socket = from;
      const event = JSON.parse(String(data)) as { type: string; audio_end_ms?: number };
      if (event.type === 'conversation.item.truncate') truncated.push(event.audio_end_ms!);
    });
    const call = await through(bot, new OpenAiRealtime({ apiKey: 'k', url }));
    const frames: { readonly at: number; readonly isLoud: boolean }[] = [];
    call.audio.on('frame', ({ samples }) => void frames.push({ at: performance.now(), isLoud: loudness(samples) > 500 }));
    await until('the model is there', () => socket !== undefined);
    const say = (event: object): void => socket!.send(JSON.stringify(event));
    const delta = mulaw(tone(800, 5000, 8000)).toString('base64');
    const silentAfter: number[] = [];
    const wrongBy: number[] = [];
    for (let i = 0; i < 20; i++) {
      const [response, item] = [`resp_${i}`, `item_${i}`];
      frames.length = 0;
      say({ type: 'response.created', response: { id: response } });
      say({ type: 'response.output_audio.delta', response_id: response, item_id: item, content_index: 0, delta });
      await sleep(700 + 31 * i);
      const interruptedAt = performance.now();
      say({ type: 'input_audio_buffer.speech_started' });
      say({ type: 'response.done', response: { id: response } });
      await sleep(500);
      const loud = frames.filter(({ isLoud }) => isLoud);
      silentAfter.push(loud.at(-1)!.at - interruptedAt);
      wrongBy.push(truncated[i]! - loud.length * 20);
    }
    tellFigures(task, {
      'silence after ms, median': middle(silentAfter),
      'longest ms': Math.max(...silentAfter),
      'told minus heard ms, median': middle(wrongBy),
      'from ms': Math.min(...wrongBy),
      'to ms': Math.max(...wrongBy),
    });
    expect(truncated).toHaveLength(20);
    expect(middle(silentAfter)).toBeLessThan(150);
    expect(Math.abs(middle(wrongBy))).toBeLessThanOrEqual(20);
    await call.hangup();
    stop(server);
  });
});
