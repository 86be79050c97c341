/** Every bridge with the words of its platform, so that one test can be asked of all: who speaks, what was heard, keys, marks, clear, and nonsense. */

import { AudioSocket } from '../../../src/bot/bridge/audiosocket.js';
import { FrameSplitter, writeFrame } from '../../../src/bot/bridge/audiosocket-frames.js';
import type { BridgeOptions } from '../../../src/bot/bridge/bridge-line.js';
import { JambonzListen } from '../../../src/bot/bridge/jambonz-listen.js';
import { OpenAiRealtime } from '../../../src/bot/bridge/openai-realtime.js';
import { PcmWebSocket } from '../../../src/bot/bridge/pcm-websocket.js';
import { TwilioStreams } from '../../../src/bot/bridge/twilio-streams.js';
import type { SoundEncoding } from '../../../src/bot/wire/sound-format.js';
import { encoder } from '../../../src/codec/registry.js';
import type { ByteStream, Network } from '../../../src/network.js';
import type { FakeConnection, FakeService } from '../wire/fake-service.js';

export type Bridge = TwilioStreams | OpenAiRealtime | PcmWebSocket | JambonzListen | AudioSocket;

export interface Platform {
  make(service: FakeService, options: BridgeOptions): Bridge;
  readonly encoding: SoundEncoding;
  /** Of what the platform says; what it hears is at the call's rate. */
  readonly rate: number;
  /** One message. */
  speak(connection: FakeConnection, sound: Uint8Array): void;
  /** All the caller's sound that it got. */
  heard(connection: FakeConnection): Buffer;
  keys(connection: FakeConnection): string;
  readonly nonsense: readonly (string | Uint8Array)[];
  /** Closes with an error, as this protocol does. */
  fail(connection: FakeConnection): void;
  mark?(connection: FakeConnection, name: string): void;
  marks?(connection: FakeConnection): readonly unknown[];
  clear?(connection: FakeConnection): void;
}

const JUNK = [
  '',
  '{',
  '[]',
  'null',
  '7',
  '"x"',
  '{"event":7}',
  '{"type":[]}',
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
  '{"type":"never-heard-of"}',
];

const base64 = (sound: Uint8Array): string => Buffer.from(sound).toString('base64');
const sayError = (connection: FakeConnection): void => connection.lose(1011, 'internal error');

function twilio(): Platform {
  const say = (connection: FakeConnection, what: object): void =>
    connection.say({ streamSid: connection.texts.find(({ event }) => event === 'start')!['streamSid'], ...what });
  const all = (connection: FakeConnection, name: string): Record<string, unknown>[] =>
    connection.texts.filter(({ event }) => event === name).map((one) => one[name] as Record<string, unknown>);
  return {
    make: ({ connect }, options) => new TwilioStreams({ url: 'wss://app.example/media', connect, ...options }),
    encoding: 'pcmu',
    rate: 8000,
    speak: (connection, sound) => say(connection, { event: 'media', media: { payload: base64(sound) } }),
    heard: (connection) => Buffer.concat(all(connection, 'media').map(({ payload }) => Buffer.from(payload as string, 'base64'))),
    keys: (connection) =>
      all(connection, 'dtmf')
        .map(({ digit }) => digit)
        .join(''),
    nonsense: [
      ...JUNK,
      '{"event":"media"}',
      '{"event":"media","media":{"payload":""}}',
      '{"event":"media","media":[]}',
      '{"event":"mark","mark":{"name":5}}',
      '{"event":"stop"}',
      new Uint8Array(3),
    ],
    fail: sayError,
    mark: (connection, name) => say(connection, { event: 'mark', mark: { name } }),
    marks: (connection) => all(connection, 'mark').map(({ name }) => name),
    clear: (connection) => say(connection, { event: 'clear' }),
  };
}

function openAi(encoding: SoundEncoding): Platform {
  return {
    make: ({ connect }, options) => new OpenAiRealtime({ apiKey: 'k', encoding, connect, ...options }),
    encoding,
    rate: encoding === 'pcm16' ? 24_000 : 8000,
    speak: (connection, sound) =>
      connection.say({ type: 'response.output_audio.delta', response_id: 'r', item_id: 'i', content_index: 0, delta: base64(sound) }),
    heard: (connection) =>
      Buffer.concat(
        connection.texts
          .filter(({ type }) => type === 'input_audio_buffer.append')
          .map(({ audio }) => Buffer.from(audio as string, 'base64')),
      ),
    keys: (connection) =>
      [...JSON.stringify(connection.texts.filter(({ type }) => type === 'conversation.item.create')).matchAll(/pressed (\S+) on/g)]
        .map(([, keys]) => keys)
        .join(''),
    nonsense: [
      ...JUNK,
      '{"type":"response.output_audio.delta"}',
      '{"type":"response.output_audio.delta","delta":""}',
      '{"type":"response.done"}',
      '{"type":"response.output_item.done","item":{"type":"function_call"}}',
      '{"type":"conversation.item.truncated"}',
      new Uint8Array(3),
    ],
    fail: sayError,
  };
}

function pcm(rate: 8000 | 16000 | 24000, replyRate: number = rate): Platform {
  return {
    make: ({ connect }, options) => new PcmWebSocket({ url: 'ws://p', sampleRate: rate, replySampleRate: replyRate, connect, ...options }),
    encoding: 'pcm16',
    rate: replyRate,
    speak: (connection, sound) => connection.say(new Uint8Array(sound)),
    heard: ({ sound }) => sound,
    keys: (connection) =>
      connection.texts
        .filter(({ type }) => type === 'dtmf')
        .map(({ digit }) => digit)
        .join(''),
    nonsense: [
      ...JUNK,
      '{"type":"mark"}',
      '{"type":"audio","sampleRate":-1}',
      '{"type":"digits"}',
      '{"type":"transfer"}',
      new Uint8Array(0),
    ],
    fail: sayError,
    mark: (connection, name) => connection.say({ type: 'mark', name }),
    marks: (connection) => connection.texts.filter(({ type }) => type === 'mark').map(({ name }) => name),
    clear: (connection) => connection.say({ type: 'clear' }),
  };
}

function jambonz(): Platform {
  return {
    make: ({ connect }, options) => new JambonzListen({ url: 'ws://p', connect, ...options }),
    encoding: 'pcm16',
    rate: 8000,
    speak: (connection, sound) => connection.say(new Uint8Array(sound)),
    heard: ({ sound }) => sound,
    keys: (connection) =>
      connection.texts
        .filter(({ event }) => event === 'dtmf')
        .map(({ dtmf }) => dtmf)
        .join(''),
    nonsense: [...JUNK, '{"type":"mark","data":{}}', '{"type":"playAudio","data":{"audioContent":5}}', new Uint8Array(0)],
    fail: sayError,
    mark: (connection, name) => connection.say({ type: 'mark', data: { name } }),
    marks: (connection) => connection.texts.filter(({ type }) => type === 'mark').map(({ data }) => (data as { name: string }).name),
    clear: (connection) => connection.say({ type: 'killAudio' }),
  };
}

/** It has neither marks nor clear. */
function audioSocket(rate: 8000 | 16000): Platform {
  const kind = rate === 8000 ? 0x10 : 0x12;
  const frames = (connection: FakeConnection, wanted: number): Buffer => {
    const found: Buffer[] = [];
    const splitter = new FrameSplitter((frame) => void (frame.kind === wanted && found.push(Buffer.from(frame.payload))));
    for (const message of connection.received) splitter.take(message as Uint8Array);
    return Buffer.concat(found);
  };
  return {
    make: (service, options) => new AudioSocket({ host: '10.0.0.3', sampleRate: rate, network: streams(service), ...options }),
    encoding: 'pcm16',
    rate,
    speak: (connection, sound) => {
      for (let at = 0; at < sound.length; at += 65_535) connection.say(writeFrame(kind, sound.subarray(at, at + 65_535)));
    },
    heard: (connection) => frames(connection, kind),
    keys: (connection) => frames(connection, 0x03).toString(),
    nonsense: [
      writeFrame(0x42, new Uint8Array(100)),
      writeFrame(kind),
      writeFrame(0x01, new Uint8Array(16)),
      writeFrame(0x1f, new Uint8Array(9)),
    ],
    fail: (connection) => {
      connection.say(writeFrame(0xff, Uint8Array.of(4)));
      connection.lose();
    },
  };
}

/** The service behind a stream of bytes: each of its messages is a piece of it. */
export function streams(service: FakeService): Network {
  const connect: Network['connect'] = ({ host, port }) =>
    new Promise((resolve, reject) => {
      let isOpen = false;
      const connection = service.connect(
        { url: `tcp://${host}:${port}` },
        {
          onOpen: () => {
            isOpen = true;
            resolve(stream);
          },
          onMessage: (message) => stream.onBytes?.(message as Uint8Array),
          onClose: ({ reason }) => (isOpen ? stream.onClose?.(new Error(reason)) : reject(new Error(reason))),
        },
      );
      const stream = streamOf(connection);
    });
  return { connect } as Network;
}

function streamOf(connection: ReturnType<FakeService['connect']>): ByteStream {
  const here = { address: '10.0.0.2', port: 40_000 };
  return {
    local: here,
    remote: here,
    write: (bytes) => {
      connection.send(bytes.slice());
      return true;
    },
    get queuedBytes() {
      return connection.queuedBytes;
    },
    onBytes: undefined,
    onClose: undefined,
    end: () => connection.close(),
    destroy: () => connection.destroy(),
  };
}

export const platforms: Readonly<Record<string, Platform>> = {
  'Twilio Media Streams': twilio(),
  'OpenAI Realtime, µ-law': openAi('pcmu'),
  'OpenAI Realtime, A-law': openAi('pcma'),
  'OpenAI Realtime, PCM at 24 kHz': openAi('pcm16'),
  'PCM16 at 8 kHz': pcm(8000),
  'PCM16 at 16 kHz': pcm(16_000),
  'PCM16 at 24 kHz': pcm(24_000),
  'PCM16 at 16 kHz, 22.05 kHz back': pcm(16_000, 22_050),
  'jambonz listen': jambonz(),
  'AudioSocket at 8 kHz': audioSocket(8000),
  'AudioSocket at 16 kHz': audioSocket(16_000),
};

/** Samples as the platform writes them. */
export function written({ encoding }: Platform, samples: Int16Array): Buffer {
  if (encoding === 'pcm16') return Buffer.from(samples.slice().buffer);
  const bytes = new Uint8Array(samples.length);
  encoder(encoding).encode(samples, samples.length, bytes, 0);
  return Buffer.from(bytes);
}
