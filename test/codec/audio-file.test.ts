import { describe, expect, test, vi } from 'vitest';
import { audioFileKind, readAudio, writeWav } from '../../src/codec.js';

const mp3 = Uint8Array.from(Buffer.from('ID3\x04\x00\x00\x00\x00\x00\x00'));
const ogg = Uint8Array.from(Buffer.from('OggS\x00\x02'));
const absent = () => Promise.reject(new Error('not found'));

test.each([
  ['WAV', writeWav(new Int16Array(1), { sampleRate: 8000 })],
  ['MP3', mp3],
  ['MP3', Uint8Array.of(0xff, 0xfb, 0x90)],
  ['AAC', Uint8Array.of(0xff, 0xf1, 0x50)],
  ['Ogg', ogg],
  ['FLAC', Buffer.from('fLaC')],
  ['MP4', Buffer.from('\x00\x00\x00\x20ftypM4A ')],
  ['AIFF', Buffer.from('FORM')],
  ['WebM', Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3)],
  [undefined, Buffer.from('hello')],
  [undefined, new Uint8Array(0)],
])('%s is known by its first bytes', (kind, bytes) => {
  expect(audioFileKind(bytes)).toBe(kind);
});

test('WAV needs no package', async () => {
  const samples = Int16Array.of(1, 2, 3);
  await expect(readAudio(writeWav(samples, { sampleRate: 8000 }), { load: absent })).resolves.toEqual({
    sampleRate: 8000,
    channels: 1,
    samples,
  });
});

describe('without the packages', () => {
  test('an error that says which to install', async () => {
    await expect(readAudio(mp3, { load: absent })).rejects.toMatchObject({
      code: 'ERR_AUDIO',
      message: 'MP3 files need the package mpg123-decoder or audio-decode, which is not installed: npm install mpg123-decoder',
    });
    await expect(readAudio(ogg, { load: absent })).rejects.toThrow('npm install audio-decode');
    await expect(readAudio(ogg)).rejects.toThrow('npm install audio-decode');
  });

  test('what is no audio is said to be none, not that a package is missing', async () => {
    await expect(readAudio(Buffer.from('<html>'), { load: absent })).rejects.toThrow(/no kind of audio/);
  });
});

describe('with them', () => {
  test('MP3 through mpg123-decoder, which is given back its memory', async () => {
    const free = vi.fn();
    class MPEGDecoder {
      readonly ready = Promise.resolve();
      free = free;
      decode(bytes: Uint8Array) {
        expect(bytes).toBe(mp3);
        return { channelData: [Float32Array.of(0.5, 2), Float32Array.of(-0.5, -2)], sampleRate: 44100 };
      }
    }
    const load = async (name: string) => (name === 'mpg123-decoder' ? { MPEGDecoder } : absent());
    await expect(readAudio(mp3, { load })).resolves.toEqual({
      sampleRate: 44100,
      channels: 2,
      samples: Int16Array.of(16_384, -16_384, 32_767, -32_768),
    });
    expect(free).toHaveBeenCalledOnce();
  });

  test('others, and MP3 where only that is there, through audio-decode, of either generation', async () => {
    const now = async () => ({ channelData: [Float32Array.of(0.25)], sampleRate: 48000 });
    const before = async () => ({ numberOfChannels: 1, sampleRate: 48000, getChannelData: () => Float32Array.of(0.25) });
    for (const decode of [now, before]) {
      const load = async (name: string) => (name === 'audio-decode' ? { default: decode } : absent());
      for (const bytes of [ogg, mp3])
        await expect(readAudio(bytes, { load })).resolves.toEqual({ sampleRate: 48000, channels: 1, samples: Int16Array.of(8192) });
    }
  });

  test('a damaged file is an error that says so', async () => {
    const broken = async () => ({ default: () => Promise.reject(new Error('bad page')) });
    await expect(readAudio(ogg, { load: broken })).rejects.toMatchObject({
      code: 'ERR_AUDIO',
      message: 'the Ogg file could not be decoded: bad page',
    });
    const empty = async () => ({ default: async () => ({ channelData: [], sampleRate: 48000 }) });
    await expect(readAudio(ogg, { load: empty })).rejects.toThrow(/no sound/);
  });
});
