/** All speech services on one real port, each as its public documentation says: recognisers answer how many milliseconds they heard, voices speak as long as their text. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { readWav, writeWav } from '../../../src/codec/wav.js';

export const KEY = 'sk-0123456789-secret';
/** Of speech, for each letter of a text. */
export const MS_PER_LETTER = 10;

export interface SpeechServices {
  readonly url: string;
  /** The next WebSocket is cut when it has got its first sound. */
  cutNext(): void;
  close(): void;
}

const words = (ms: number): string => `${Math.round(ms / 100)} tenths`;
const silence = (text: string, rate: number): Buffer => Buffer.alloc(2 * Math.round((text.length * MS_PER_LETTER * rate) / 1000), 1);
const json = (data: RawData): Record<string, string> => JSON.parse(String(data)) as Record<string, string>;

function deepgramEar(socket: WebSocket, url: URL): void {
  let bytes = 0;
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) bytes += data.length;
    else if (json(data)['type'] === 'Finalize') {
      const transcript = words(bytes / 2 / (Number(url.searchParams.get('sample_rate')) / 1000));
      socket.send(
        JSON.stringify({
          type: 'Results',
          is_final: true,
          from_finalize: true,
          channel: { alternatives: [{ transcript, confidence: 0.9 }] },
        }),
      );
      bytes = 0;
    } else if (json(data)['type'] === 'CloseStream') socket.close(1000);
  });
}

function deepgramVoice(socket: WebSocket, url: URL): void {
  socket.on('message', (data) => {
    const { type, text = '' } = json(data);
    if (type === 'Speak') socket.send(silence(text, Number(url.searchParams.get('sample_rate'))));
    if (type === 'Flush') socket.send('{"type":"Flushed","sequence_id":0}');
  });
}

function elevenLabsEar(socket: WebSocket, url: URL): void {
  let bytes = 0;
  const rate = Number(url.searchParams.get('audio_format')!.slice(4));
  socket.on('message', (data) => {
    const { audio_base_64 = '', commit } = json(data);
    bytes += Buffer.from(audio_base_64, 'base64').length;
    if (String(commit) !== 'true') return;
    socket.send(JSON.stringify({ message_type: 'committed_transcript', text: words(bytes / 2 / (rate / 1000)) }));
    bytes = 0;
  });
}

function elevenLabsVoice(socket: WebSocket, url: URL): void {
  const rate = Number(url.searchParams.get('output_format')!.slice(4));
  socket.on('message', (data) => {
    const { text = '' } = json(data);
    if (text === '') socket.send('{"audio":null,"isFinal":true}', () => socket.close(1000));
    else if (text !== ' ') {
      const alignment = { chars: [...text], charStartTimesMs: [...text].map((_, i) => i * MS_PER_LETTER) };
      socket.send(JSON.stringify({ audio: silence(text, rate).toString('base64'), isFinal: null, alignment }));
    }
  });
}

function azureEar(socket: WebSocket): void {
  let bytes = 0;
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) return;
    const bodyAt = 2 + data.readUInt16BE(0);
    const id = /X-RequestId: (\w+)/.exec(data.subarray(2, bodyAt).toString('latin1'))![1];
    const body = data.subarray(bodyAt);
    bytes += body.subarray(0, 4).toString() === 'RIFF' ? body.length - 44 : body.length;
    if (body.length > 0) return;
    const say = (path: string, told: object): void => socket.send(`X-RequestId:${id}\r\nPath:${path}\r\n\r\n${JSON.stringify(told)}`);
    say('speech.phrase', { RecognitionStatus: 'Success', NBest: [{ Confidence: 0.9, Display: words(bytes / 32) }] });
    say('turn.end', {});
    bytes = 0;
  });
}

function openAiEar(socket: WebSocket): void {
  let bytes = 0;
  socket.send('{"type":"session.created","session":{}}');
  socket.on('message', (data) => {
    const { type, audio = '' } = json(data);
    bytes += Buffer.from(audio, 'base64').length;
    if (type !== 'input_audio_buffer.commit') return;
    socket.send('{"type":"input_audio_buffer.committed","item_id":"i"}');
    const transcript = words(bytes / 48);
    socket.send(JSON.stringify({ type: 'conversation.item.input_audio_transcription.completed', item_id: 'i', transcript }));
    bytes = 0;
  });
}

const sockets: Readonly<Record<string, readonly [keyHeader: string, (socket: WebSocket, url: URL) => void]>> = {
  '/v1/listen': [`authorization: Token ${KEY}`, deepgramEar],
  '/v1/speak': [`authorization: Token ${KEY}`, deepgramVoice],
  '/v1/speech-to-text/realtime': [`xi-api-key: ${KEY}`, elevenLabsEar],
  '/v1/text-to-speech/v/stream-input': [`xi-api-key: ${KEY}`, elevenLabsVoice],
  '/speech/recognition/conversation/cognitiveservices/v1': [`ocp-apim-subscription-key: ${KEY}`, azureEar],
  '/realtime': [`authorization: Bearer ${KEY}`, openAiEar],
};

/** Of an utterance as a WAV file within a form: the file is found by its first letters, its length is what is left of the part. */
function msOfForm(body: Buffer): number {
  const from = body.indexOf('RIFF');
  const { samples, sampleRate } = readWav(body.subarray(from, body.indexOf('\r\n--', from)));
  return samples.length / (sampleRate / 1000);
}

function requests(
  path: string,
  body: Buffer,
  headers: IncomingMessage['headers'],
): readonly [keyHeader: string, answer: string | Buffer] | undefined {
  const asked = (): Record<string, Record<string, string & number>> => JSON.parse(String(body)) as ReturnType<typeof asked>;
  switch (path) {
    case '/audio/transcriptions':
      return [`authorization: Bearer ${KEY}`, JSON.stringify({ text: words(msOfForm(body)) })];
    case '/audio/speech':
      return [`authorization: Bearer ${KEY}`, silence((JSON.parse(String(body)) as { input: string }).input, 24_000)];
    case '/cognitiveservices/v1': {
      const rate = 1000 * Number(/raw-(\d+)khz/.exec(String(headers['x-microsoft-outputformat']))![1]);
      return [`ocp-apim-subscription-key: ${KEY}`, silence(/'>([^<]*)<\/voice>/.exec(String(body))![1]!, rate)];
    }
    case '/v1/speech:recognize': {
      const { config, audio } = asked();
      const ms = Buffer.from(audio!['content']!, 'base64').length / 2 / (config!['sampleRateHertz']! / 1000);
      return [`x-goog-api-key: ${KEY}`, JSON.stringify({ results: [{ alternatives: [{ transcript: words(ms), confidence: 0.9 }] }] })];
    }
    case '/v1/text:synthesize': {
      const { input, audioConfig } = asked();
      const sampleRate = Number(audioConfig!['sampleRateHertz']);
      const samples = new Int16Array(silence(input!['text']!, sampleRate).length / 2).fill(257);
      return [
        `x-goog-api-key: ${KEY}`,
        JSON.stringify({ audioContent: Buffer.from(writeWav(samples, { sampleRate, channels: 1 })).toString('base64') }),
      ];
    }
    default:
      return undefined;
  }
}

function hasKey(headers: IncomingMessage['headers'], wanted: string): boolean {
  const [name, value] = wanted.split(': ') as [string, string];
  return headers[name] === value;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const found = requests(new URL(request.url!, 'http://x').pathname, Buffer.concat(parts), request.headers);
    if (found === undefined) response.writeHead(404).end();
    else if (!hasKey(request.headers, found[0])) response.writeHead(401).end(`wrong key: ${JSON.stringify(request.headers)}`);
    else response.end(found[1]);
  });
}

export async function speechServices(host: string): Promise<SpeechServices> {
  const server = createServer(answer);
  const upgrades = new WebSocketServer({ noServer: true });
  let cuts = 0;
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    const url = new URL(request.url!, 'http://x');
    const [key, serve] = sockets[url.pathname] ?? [];
    if (serve === undefined || !hasKey(request.headers, key!)) {
      socket.end(`HTTP/1.1 ${serve === undefined ? 404 : 401} No\r\n\r\n`);
      return;
    }
    upgrades.handleUpgrade(request, socket, head, (ws) => {
      // Whoever leaves with something unread resets the connection.
      ws.on('error', () => {});
      if (cuts > 0) {
        cuts--;
        ws.on('message', (data) => String(data).length > 300 && ws.terminate());
      } else serve(ws, url);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    cutNext: () => void cuts++,
    close: () => {
      for (const client of upgrades.clients) client.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}
