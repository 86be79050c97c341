/** Ten minutes of both sides speaking, through each bridge that has no such test of its own: nothing more or less either way, nothing piles up. */
import { expect, test } from 'vitest';
import { AudioSocket } from '../../../src/bot/bridge/audiosocket.js';
import { AudioSocketServer } from '../../../src/bot/bridge/audiosocket-server.js';
import { JambonzListen } from '../../../src/bot/bridge/jambonz-listen.js';
import { OpenAiRealtime } from '../../../src/bot/bridge/openai-realtime.js';
import { PcmWebSocket } from '../../../src/bot/bridge/pcm-websocket.js';
import type { Message } from '../../../src/bot/wire/message-wire.js';
import { tone, World } from '../support/world.js';
import type { FakeConnection, FakeService } from '../wire/fake-service.js';
import { bridged } from './bridged-call.js';

const MINUTES = 10;
const TURNS = MINUTES * 60 * 50;

interface Platform {
  make(service: FakeService): PcmWebSocket | OpenAiRealtime | JambonzListen;
  readonly bytesUp: number;
  /** How many bytes of sound a message of ours has. */
  soundIn(message: Message): number;
  /** Before it speaks. */
  begin?(connection: FakeConnection): void;
  /** Speaks for 20 ms; `turn` counts. */
  speak(connection: FakeConnection, turn: number): void;
}

const binary = (message: Message): number => (typeof message === 'string' ? 0 : message.length);
const pcm = (hz: number, rate: number): Uint8Array => new Uint8Array(tone(hz, 20, rate).slice().buffer);

/** 441 samples a turn, seven bytes too many in one and too few in the next. */
const odd = Buffer.concat([pcm(500, 22_050), pcm(500, 22_050)]);
const platforms: Readonly<Record<string, Platform>> = {
  'PCM16, 16 kHz there and 22.05 kHz back in odd chunks': {
    make: ({ connect }) => new PcmWebSocket({ url: 'ws://p', sampleRate: 16_000, replySampleRate: 22_050, connect }),
    bytesUp: 32_000,
    soundIn: binary,
    speak: (connection, turn) => connection.say(new Uint8Array(turn % 2 === 0 ? odd.subarray(0, 889) : odd.subarray(889))),
  },
  'OpenAI Realtime, PCM at 24 kHz': {
    make: ({ connect }) => new OpenAiRealtime({ apiKey: 'k', encoding: 'pcm16', connect }),
    bytesUp: 48_000,
    soundIn: (message) => {
      const { type, audio } = JSON.parse(`${message as string}`) as { type: string; audio?: string };
      return type === 'input_audio_buffer.append' ? Buffer.byteLength(audio ?? '', 'base64') : 0;
    },
    begin: (connection) => connection.say({ type: 'response.created', response: { id: 'r' } }),
    speak: (connection) =>
      connection.say({
        type: 'response.output_audio.delta',
        response_id: 'r',
        item_id: 'i',
        content_index: 0,
        output_index: 0,
        delta: Buffer.from(pcm(500, 24_000)).toString('base64'),
      }),
  },
  'jambonz, 8 kHz there and 16 kHz back': {
    make: ({ connect }) => new JambonzListen({ url: 'ws://p', sampleRate: 8000, replySampleRate: 16_000, connect }),
    bytesUp: 16_000,
    soundIn: binary,
    speak: (connection) => connection.say(pcm(500, 16_000)),
  },
};

test.each(Object.entries(platforms))(
  '%s',
  async (_name, { make, bytesUp, soundIn, begin, speak }) => {
    const { world, service, caller, bridge, ear } = await bridged<PcmWebSocket | OpenAiRealtime | JambonzListen>(make);
    ear.close();
    await world.run(200);
    const { last } = service;
    let up = 0;
    let heard = 0;
    caller.audio.on('frame', () => void heard++, { borrow: true });
    last.onMessage = (message) => {
      up += soundIn(message);
      last.received.length = 1;
    };
    begin?.(last);
    const start = world.clock.now();
    const turn = (i: number): void => {
      speak(last, i);
      if (i < TURNS - 1) world.clock.at(start + 20 * (i + 1), () => turn(i + 1));
    };
    turn(0);
    for (let second = 0; second < 60 * MINUTES; second++) await world.run(1000);
    expect(heard).toBe(TURNS);
    expect(Math.abs(up - 60 * MINUTES * bytesUp)).toBeLessThanOrEqual(bytesUp / 50);
    const { down, up: uplink } = bridge.stats()!;
    expect(down.receivedMs).toBeCloseTo(60_000 * MINUTES, 0);
    expect(down).toMatchObject({ refusedMs: 0, gaps: 0 });
    expect(down.queuedMs).toBeLessThanOrEqual(60);
    expect(uplink).toMatchObject({ lostMs: 0, heldMs: 0 });
  },
  240_000,
);

test('AudioSocket, our client with our server', async () => {
  const world = new World();
  const server = new AudioSocketServer({ host: '10.0.0.3', clock: world.clock, network: world.network });
  let there = 0;
  let here = 0;
  server.on('call', (call) => {
    call.audio.on(
      'frame',
      ({ samples }) => {
        there++;
        call.audio.write(samples);
      },
      { borrow: true },
    );
  });
  await world.until(server.start());
  await world.bot(2, { codecs: ['pcmu'], bot: () => new AudioSocket({ host: '10.0.0.3', network: world.network }) });
  const [caller] = await world.talking(await world.bot(1, { codecs: ['pcmu'] }), 2);
  await world.run(200);
  there = 0;
  caller.audio.on('frame', () => void here++, { borrow: true });
  for (let second = 0; second < 60 * MINUTES; second++) await world.run(1000);
  expect(here).toBe(TURNS);
  expect(Math.abs(there - TURNS)).toBeLessThanOrEqual(1);
  server.stop();
}, 240_000);
