import { expect, test } from 'vitest';
import { type CodecName, codecNames, codecOfRtpmap, codecOfStaticPayloadType, decoder, describeCodec, encoder } from '../../src/codec.js';

test('RFC 3551 §6 the static payload types of audio we have', () => {
  const named = Array.from({ length: 128 }, (_, type) => codecOfStaticPayloadType(type))
    .map((codec, type) => codec && `${type} ${codec.encodingName}/${codec.clockRate}/${codec.channels}`)
    .filter(Boolean);
  expect(named).toEqual(['0 PCMU/8000/1', '8 PCMA/8000/1', '9 G722/8000/1', '10 L16/44100/2', '11 L16/44100/1']);
});

test('RFC 3551 §4.5.2, RFC 7587 §4.1: rate of the samples and clock of the timestamps, each codec its own', () => {
  const rows = codecNames
    .map((name) => describeCodec(name))
    .map((c) => `${c.name} ${c.sampleRate} ${c.clockRate} ${c.channels} ${c.bytesPer(20)}`);
  expect(rows).toEqual([
    'opus 48000 48000 2 1282',
    'g722 16000 8000 1 160',
    'pcmu 8000 8000 1 160',
    'pcma 8000 8000 1 160',
    'l16 16000 16000 1 640',
  ]);
});

test.each<[string, number, number | undefined, CodecName | undefined]>([
  ['pcmu', 8000, undefined, 'pcmu'],
  ['PCMA', 8000, 1, 'pcma'],
  ['PCMA', 16000, 1, undefined],
  ['PCMU', 8000, 2, undefined],
  ['G722', 8000, 1, 'g722'],
  ['G722', 16000, 1, 'g722'],
  ['OPUS', 48000, 2, 'opus'],
  ['opus', 48000, undefined, 'opus'],
  ['opus', 16000, 2, undefined],
  ['L16', 24000, 1, 'l16'],
  ['L16', 24000, 5, undefined],
  ['telephone-event', 8000, 1, undefined],
])('RFC 4855 §3 rtpmap %s/%s/%s is %s', (encodingName, clockRate, channels, name) => {
  expect(codecOfRtpmap(encodingName, clockRate, channels)).toBe(name);
});

test('every codec described is found again by its rtpmap', () => {
  for (const name of codecNames) {
    const { encodingName, clockRate, channels } = describeCodec(name);
    expect(codecOfRtpmap(encodingName, clockRate, channels)).toBe(name);
  }
});

test('a codec that is none is refused, with the list of those that are', () => {
  for (const make of [encoder, decoder, describeCodec]) expect(() => make('gsm' as 'pcmu')).toThrow('one of opus, g722, pcmu, pcma, l16');
});

test('samples and bytes of a packet agree, for every codec of constant rate and every length it takes', () => {
  for (const name of ['g722', 'pcmu', 'pcma', 'l16'] as const) {
    const { sampleRate, ptimesMs, bytesPer } = describeCodec(name);
    for (const ms of ptimesMs) {
      const coder = encoder(name);
      const back = decoder(name);
      const bytes = new Uint8Array(4000);
      const samples = new Int16Array((sampleRate * ms) / 1000);
      expect(coder.encode(samples, samples.length, bytes, 0)).toBe(bytesPer(ms));
      expect(back.samplesIn(bytes, 0, bytesPer(ms))).toBe(samples.length);
      for (const codec of [coder, back]) {
        codec.reset();
        codec.close();
      }
    }
  }
});
