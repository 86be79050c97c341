import { describe, expect, test } from 'vitest';
import { ElevenLabsSpeechToText, ElevenLabsTextToSpeech } from '../../../src/bot/speech/elevenlabs.js';
import { heard, KEY, pieces, services, speech, spoken } from './support.js';

describe('ElevenLabs recognition', () => {
  test('chunks in base 64, partial words, a commit for each utterance, committed words; over when all is answered', async () => {
    const { clock, service, options } = services();
    service.onConnection = (connection) => {
      let bytes = 0;
      queueMicrotask(() => connection.say({ message_type: 'session_started', session_id: 'x', config: {} }));
      connection.onMessage = (message) => {
        const { message_type, audio_base_64, commit } = JSON.parse(message as string) as Record<string, unknown>;
        expect(message_type).toBe('input_audio_chunk');
        bytes += Buffer.from(audio_base_64 as string, 'base64').length;
        if (commit === true) queueMicrotask(() => connection.say({ message_type: 'committed_transcript', text: `${bytes} bytes` }));
      };
    };
    const recognition = new ElevenLabsSpeechToText(options).recognise({ sampleRate: 8000, language: 'de-AT' });
    const result = heard(recognition);
    recognition.write(speech(1000, 8000));
    await clock.run(10);
    const url = new URL(service.last.target.url);
    expect(url.origin + url.pathname).toBe('wss://api.elevenlabs.io/v1/speech-to-text/realtime');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      model_id: 'scribe_v2_realtime',
      audio_format: 'pcm_8000',
      commit_strategy: 'manual',
      language_code: 'de',
    });
    expect(service.last.target.headers).toEqual({ 'xi-api-key': KEY });
    service.last.say({ message_type: 'partial_transcript', text: 'sixteen' });
    await clock.run(10);
    recognition.endUtterance();
    await clock.run(300);
    recognition.write(speech(500, 8000));
    recognition.end();
    await clock.run(300);
    expect(await result).toEqual({
      transcripts: [
        { text: 'sixteen', isFinal: false },
        { text: '16000 bytes', isFinal: true },
        { text: '24000 bytes', isFinal: true },
      ],
    });
    expect(service.last.closedWith).toBe(1000);
    expect(clock.pending).toBe(0);
  });

  test('too little was said: the loop ends with nothing; an error of the service’s ends it with that', async () => {
    const { clock, service, options } = services();
    const stt = new ElevenLabsSpeechToText(options);
    const recognition = stt.recognise({ sampleRate: 16_000 });
    const result = heard(recognition);
    recognition.write(speech(10));
    recognition.end();
    await clock.run(300);
    service.last.say({ message_type: 'insufficient_audio_activity', error: 'too short' });
    expect(await result).toEqual({ transcripts: [] });
    const failing = heard(stt.recognise({ sampleRate: 16_000 }));
    await clock.run(10);
    service.last.say({ message_type: 'quota_exceeded', error: `no credits for ${KEY}` });
    const { error } = await failing;
    expect(error!.message).toContain('quota_exceeded');
    expect(error!.message).not.toContain(KEY);
  });
});

describe('ElevenLabs voices', () => {
  test('text in pieces, sound in base 64, the times of words from the beginning of the speech', async () => {
    const { clock, service, options } = services();
    service.onConnection = (connection) => {
      connection.onMessage = (message) => {
        const { text } = JSON.parse(message as string) as { text: string };
        if (text === 'Hello big ') {
          queueMicrotask(() => {
            const audio = Buffer.alloc(16_000).toString('base64');
            connection.say({
              audio,
              alignment: { chars: [...'Hello bi'], charStartTimesMs: [0, 40, 80, 120, 160, 200, 250, 300] },
              isFinal: null,
            });
            connection.say({ audio, alignment: { chars: [...'g world'], charStartTimesMs: [0, 30, 60, 90, 120, 150, 180] } });
          });
        }
        if (text === '') queueMicrotask(() => connection.say({ audio: null, isFinal: true }));
      };
    };
    const voice = new ElevenLabsTextToSpeech({ ...options, voice: 'a b', voiceSettings: { stability: 0.5 } });
    const result = spoken(voice.speak(pieces('Hello big', 'world'), { sampleRate: 16_000, language: 'en-GB' }));
    await clock.run(100);
    const { words, bytes, sampleRate, error } = await result;
    expect(error).toBeUndefined();
    expect([bytes.length, sampleRate]).toEqual([32_000, 16_000]);
    expect(words).toEqual([
      { text: 'Hello', atMs: 0 },
      { text: 'big', atMs: 250 },
      { text: 'world', atMs: 560 },
    ]);
    const url = new URL(service.last.target.url);
    expect(url.pathname).toBe('/v1/text-to-speech/a%20b/stream-input');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      model_id: 'eleven_flash_v2_5',
      output_format: 'pcm_16000',
      language_code: 'en',
    });
    expect(service.last.texts).toEqual([
      { text: ' ', voice_settings: { stability: 0.5 } },
      { text: 'Hello big ' },
      { text: 'world ' },
      { text: '' },
    ]);
  });

  test('nonsense in its place is passed over, an error fails the text', async () => {
    const { clock, service, options } = services();
    const result = spoken(new ElevenLabsTextToSpeech({ ...options, voice: 'v' }).speak('x', { sampleRate: 11_025 }));
    await clock.run(10);
    for (const nonsense of [
      '{',
      '[]',
      '{"audio":7}',
      '{"audio":"AAA=","alignment":{"chars":"x"}}',
      '{"audio":"AAA=","alignment":{"chars":[1],"charStartTimesMs":["y"]}}',
    ]) {
      service.last.say(nonsense);
    }
    service.last.say({ error: 'voice_not_found' });
    const { error, sampleRate } = await result;
    expect(error!.message).toContain('voice_not_found');
    expect(sampleRate).toBe(16_000);
  });
});
