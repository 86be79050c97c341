import { describe, expect, test } from 'vitest';
import { AzureSpeechToText, AzureTextToSpeech } from '../../../src/bot/speech/azure-speech.js';
import type { FakeConnection } from '../wire/fake-service.js';
import { heard, KEY, services, speech, spoken } from './support.js';

interface AzureMessage {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** Text: headers, an empty line, the body. Binary: two bytes for the length of the headers, the headers, the body. */
function parse(message: string | Uint8Array): AzureMessage {
  const bytes = Buffer.from(message);
  const [from, to, bodyAt] =
    typeof message === 'string'
      ? [0, bytes.indexOf('\r\n\r\n'), bytes.indexOf('\r\n\r\n') + 4]
      : [2, 2 + bytes.readUInt16BE(0), 2 + bytes.readUInt16BE(0)];
  const lines = bytes.subarray(from, to).toString('latin1').split('\r\n').filter(Boolean);
  return { headers: Object.fromEntries(lines.map((line) => line.split(': ', 2) as [string, string])), body: bytes.subarray(bodyAt) };
}

const reply = (connection: FakeConnection, id: string, path: string, body: object): void =>
  connection.say(`X-RequestId:${id}\r\nPath:${path}\r\nContent-Type:application/json; charset=utf-8\r\n\r\n${JSON.stringify(body)}`);

describe('Azure recognition', () => {
  test('speech.config, sound with its header once a turn, hypotheses, the phrase, the end of the turn; a new request for the next', async () => {
    const { clock, service, options } = services();
    const turns: { id: string; bytes: number; riff: boolean }[] = [];
    service.onConnection = (connection) => {
      connection.onMessage = (message) => {
        const { headers, body } = parse(message);
        if (headers['Path'] !== 'audio') return;
        const id = headers['X-RequestId']!;
        let turn = turns.find((one) => one.id === id);
        if (turn === undefined) {
          turn = { id, bytes: -44, riff: body.subarray(0, 4).toString() === 'RIFF' };
          turns.push(turn);
        }
        turn.bytes += body.length;
        if (body.length > 0) return;
        const { bytes } = turn;
        queueMicrotask(() => {
          reply(connection, id, 'speech.phrase', {
            RecognitionStatus: 'Success',
            NBest: [{ Confidence: 0.9, Display: `${bytes} bytes.` }],
          });
          reply(connection, id, 'turn.end', {});
        });
      };
    };
    const recognition = new AzureSpeechToText({ ...options, region: 'westeurope' }).recognise({
      sampleRate: 16_000,
      language: 'de-DE',
      phrases: ['Bonn'],
    });
    const result = heard(recognition);
    recognition.write(speech(1000));
    await clock.run(10);
    const { last } = service;
    expect(last.target.url).toBe(
      'wss://westeurope.stt.speech.microsoft.com/speech/recognition/conversation/cognitiveservices/v1?language=de-DE&format=detailed',
    );
    expect(last.target.headers).toEqual({ 'Ocp-Apim-Subscription-Key': KEY, 'X-ConnectionId': expect.stringMatching(/^[0-9a-f]{32}$/) });
    const [config, context] = last.received.map(parse);
    expect(config!.headers).toMatchObject({
      Path: 'speech.config',
      'Content-Type': 'application/json',
      'X-Timestamp': '2030-01-01T00:00:00.000Z',
    });
    expect(JSON.parse(config!.body.toString())).toMatchObject({ context: { system: { name: 'sipbot' } } });
    expect(JSON.parse(context!.body.toString())).toEqual({ dgi: { Groups: [{ Type: 'Generic', Items: [{ Text: 'Bonn' }] }] } });
    reply(last, 'x', 'speech.hypothesis', { Text: 'zwei', Offset: 0 });
    await clock.run(10);
    recognition.endUtterance();
    await clock.run(300);
    recognition.write(speech(500));
    recognition.end();
    await clock.run(300);
    expect(await result).toEqual({
      transcripts: [
        { text: 'zwei', isFinal: false },
        { text: '32000 bytes.', isFinal: true, confidence: 0.9 },
        { text: '16000 bytes.', isFinal: true, confidence: 0.9 },
      ],
    });
    expect(turns.map(({ riff }) => riff)).toEqual([true, true]);
    expect(turns[0]!.id).not.toBe(turns[1]!.id);
  });

  test('nothing understood, and what is no message of Azure’s', async () => {
    const { clock, service, options } = services();
    const recognition = new AzureSpeechToText({ ...options, region: 'eastus' }).recognise({ sampleRate: 8000 });
    const result = heard(recognition);
    recognition.write(speech(300, 8000));
    recognition.end();
    await clock.run(300);
    for (const nonsense of ['', 'Path:speech.phrase', 'Path:speech.phrase\r\n\r\n{', 'x'.repeat(100_000)]) service.last.say(nonsense);
    reply(service.last, 'x', 'speech.phrase', { RecognitionStatus: 'NoMatch' });
    reply(service.last, 'x', 'turn.end', {});
    expect(await result).toEqual({ transcripts: [] });
  });
});

describe('Azure voices', () => {
  test('SSML in which a text can say nothing but text; raw PCM at the call’s rate', async () => {
    const { clock, asked, options, answerWith } = services();
    answerWith(() => new Response(Buffer.from([1, 0, 2, 0])));
    const voice = new AzureTextToSpeech({ ...options, region: 'westeurope', voice: "de-DE-Katja'Neural" });
    const result = spoken(voice.speak('5 < 6 & "so" <break time="9s"/>', { sampleRate: 8000, language: 'de-DE' }));
    await clock.run(10);
    expect(await result).toMatchObject({ sampleRate: 8000, bytes: Buffer.from([1, 0, 2, 0]) });
    expect(asked[0]).toMatchObject({
      url: 'https://westeurope.tts.speech.microsoft.com/cognitiveservices/v1',
      headers: {
        'Ocp-Apim-Subscription-Key': KEY,
        'X-Microsoft-OutputFormat': 'raw-8khz-16bit-mono-pcm',
        'Content-Type': 'application/ssml+xml',
      },
      body:
        "<speak version='1.0' xml:lang='de-DE'><voice name='de-DE-Katja&#39;Neural'>" +
        '5 &#60; 6 &#38; &#34;so&#34; &#60;break time=&#34;9s&#34;/&#62;</voice></speak>',
    });
  });
});
