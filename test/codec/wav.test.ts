import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWav, readWav, type Sound, type WavEncoding, wavDataInto, wavHeader, writeWav } from '../../src/codec.js';
import { dataFolder, noise, readData, sine, speech } from './signals.js';

interface Chunk {
  readonly id: string;
  readonly body: Uint8Array | readonly number[];
  /** What the file says its size is, when that is not the truth. */
  readonly size?: number;
}

const u16 = (value: number) => [value & 255, (value >> 8) & 255];
const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];

function riff(chunks: readonly Chunk[], form = 'RIFF'): Uint8Array {
  const body = chunks.flatMap(({ id, body: bytes, size }) => [
    ...Buffer.from(id),
    ...u32(size ?? bytes.length),
    ...bytes,
    ...(bytes.length & 1 ? [0] : []),
  ]);
  return Uint8Array.from([...Buffer.from(form), ...u32(body.length + 4), ...Buffer.from('WAVE'), ...body]);
}

function format(tag: number, channels: number, sampleRate: number, bits: number, rest: readonly number[] = []): Chunk {
  const align = Math.ceil(bits / 8) * channels;
  return {
    id: 'fmt ',
    body: [...u16(tag), ...u16(channels), ...u32(sampleRate), ...u32(sampleRate * align), ...u16(align), ...u16(bits), ...rest],
  };
}

const samplesOf = (bytes: Uint8Array) => [...readWav(bytes).samples];

describe('every form', () => {
  test('8 bits are unsigned', () => {
    expect(samplesOf(riff([format(1, 1, 8000, 8), { id: 'data', body: [128, 255, 0, 129] }]))).toEqual([0, 32_512, -32_768, 256]);
  });

  test('16 bits', () => {
    expect(samplesOf(riff([format(1, 1, 8000, 16), { id: 'data', body: [1, 0, 0xff, 0xff, 0, 0x80] }]))).toEqual([1, -1, -32_768]);
  });

  test('24 and 32 bits are rounded, and saturate', () => {
    expect(samplesOf(riff([format(1, 1, 8000, 24), { id: 'data', body: [0x80, 1, 0, 0x7f, 1, 0, 0xff, 0xff, 0x7f, 0, 0, 0x80] }]))).toEqual(
      [2, 1, 32_767, -32_768],
    );
    expect(samplesOf(riff([format(1, 1, 8000, 32), { id: 'data', body: [0, 0x80, 1, 0, 0xff, 0xff, 0xff, 0x7f] }]))).toEqual([2, 32_767]);
  });

  test('float saturates, and what is no number is silence', () => {
    const float = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);
    expect(
      samplesOf(riff([format(3, 1, 8000, 32), { id: 'data', body: float([0.5, -1, 7, Number.NaN, Number.NEGATIVE_INFINITY]) }])),
    ).toEqual([16_384, -32_768, 32_767, 0, -32_768]);
    const double = new Uint8Array(Float64Array.of(0.25, -0.25).buffer);
    expect(samplesOf(riff([format(3, 2, 8000, 64), { id: 'data', body: double }]))).toEqual([8192, -8192]);
  });

  test('A-law and µ-law', () => {
    expect(samplesOf(riff([format(6, 1, 8000, 8), { id: 'data', body: [0xd5, 0x55] }]))).toEqual([8, -8]);
    expect(samplesOf(riff([format(7, 1, 8000, 8), { id: 'data', body: [0xff, 0x00] }]))).toEqual([0, -32_124]);
  });

  test('WAVE_FORMAT_EXTENSIBLE, as ffmpeg and Windows write it', () => {
    const extension = [...u16(22), ...u16(16), ...u32(3), 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
    expect(readWav(riff([format(0xfffe, 2, 44100, 16, extension), { id: 'data', body: [1, 0, 2, 0] }]))).toEqual({
      sampleRate: 44100,
      channels: 2,
      samples: Int16Array.of(1, 2),
    });
    const other = extension.with(20, 9);
    expect(() => readWav(riff([format(0xfffe, 2, 44100, 16, other), { id: 'data', body: [1, 0, 2, 0] }]))).toThrow(/Microsoft/);
  });
});

describe('as files are', () => {
  const pcm = format(1, 1, 8000, 16);
  const data = { id: 'data', body: [1, 0, 2, 0, 3, 0] };

  test('chunks that are not ours, of odd length, are stepped over', () => {
    expect(
      samplesOf(riff([{ id: 'LIST', body: [1, 2, 3] }, pcm, { id: 'fact', body: [0, 0, 0, 0] }, { id: 'junk', body: [7] }, data])),
    ).toEqual([1, 2, 3]);
  });

  test('what follows the data is not sound', () => {
    expect(samplesOf(riff([pcm, data, { id: 'LIST', body: [9, 9, 9, 9] }]))).toEqual([1, 2, 3]);
  });

  test.each([0, 0xffffffff, 0x7fffffff, 1000])('a recorder that died with size %i in its header: all that is there', (size) => {
    expect(samplesOf(riff([pcm, { ...data, size }]))).toEqual([1, 2, 3]);
  });

  test('RF64, for what is larger than 4 GB', () => {
    expect(samplesOf(riff([{ id: 'ds64', body: new Uint8Array(28) }, pcm, { ...data, size: 0xffffffff }], 'RF64'))).toEqual([1, 2, 3]);
  });

  test('half a sample at the end is left out, half a moment too', () => {
    expect(samplesOf(riff([pcm, { id: 'data', body: [1, 0, 2] }]))).toEqual([1]);
    expect(samplesOf(riff([format(1, 2, 8000, 16), { id: 'data', body: [1, 0, 2, 0, 3, 0] }]))).toEqual([1, 2]);
  });

  test('a view into a larger buffer, at an odd place', () => {
    const file = riff([pcm, data]);
    const within = new Uint8Array(file.length + 3);
    within.set(file, 3);
    expect(samplesOf(within.subarray(3))).toEqual([1, 2, 3]);
  });
});

describe('what cannot be read says why', () => {
  const data = { id: 'data', body: [0, 0] };
  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /RIFF/],
    ['an MP3 file', Uint8Array.from(Buffer.from('ID3\x04\x00aaaaaaaaaaaaaaaa')), /RIFF/],
    ['no format', riff([{ id: 'LIST', body: [] }]), /no format/],
    ['no data', riff([format(1, 1, 8000, 16)]), /no data/],
    ['data first', riff([data, format(1, 1, 8000, 16)]), /before their format/],
    ['a short format', riff([{ id: 'fmt ', body: [1, 0, 1, 0] }, data]), /cut short/],
    ['a short extensible format', riff([format(0xfffe, 1, 8000, 16), data]), /cut short/],
    ['MS ADPCM', riff([format(2, 1, 8000, 4), data]), /format 0x2/],
    ['GSM 6.10', riff([format(0x31, 1, 8000, 8), data]), /format 0x31/],
    ['no channels', riff([format(1, 0, 8000, 16), data]), /0 channels/],
    ['too many channels', riff([format(1, 999, 8000, 16), data]), /999 channels/],
    ['rate 0', riff([format(1, 1, 0, 16), data]), /0 Hz/],
    ['rate 4 GHz', riff([format(1, 1, 4e9, 16), data]), /Hz/],
    ['40 bits', riff([format(1, 1, 8000, 40), data]), /40 bits/],
  ])('%s', (_, file, reason) => {
    expect(() => readWav(file)).toThrow(reason);
    expect(() => readWav(file)).toThrow(expect.objectContaining({ code: 'ERR_AUDIO' }));
  });
});

test('any bytes: read or refused, within the length they have', () => {
  const next = noise(3);
  const seeds = [
    writeWav(sine(440, 8000, 0.01), { sampleRate: 8000 }),
    riff([format(6, 2, 8000, 8), { id: 'data', body: new Uint8Array(50) }]),
  ];
  for (let round = 0; round < Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 5000); round++) {
    const bytes = Uint8Array.from(seeds[round % 2]!);
    for (let i = 0; i < 4; i++) bytes[Math.floor(Math.abs(next()) * Math.min(bytes.length, 60))] = 255 * Math.abs(next());
    const file = bytes.subarray(0, Math.floor(Math.abs(next()) * (bytes.length + 1)));
    try {
      expect(readWav(file).samples.length).toBeLessThanOrEqual(file.length);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_AUDIO' });
    }
  }
});

test('a thousand empty chunks, and one that claims all the world, are quickly done with', () => {
  const many = riff(Array.from({ length: 50_000 }, () => ({ id: 'junk', body: [] })));
  expect(() => readWav(many)).toThrow(/no format/);
  expect(() => readWav(riff([{ id: 'junk', body: [], size: 0xffffffff }]))).toThrow(/no format/);
});

describe('written', () => {
  test('is read again as it was: any rate, channels and length', () => {
    fc.assert(
      fc.property(
        fc.int16Array({ maxLength: 200 }),
        fc.integer({ min: 1000, max: 768_000 }),
        fc.integer({ min: 1, max: 16 }),
        (all, sampleRate, channels) => {
          const samples = all.subarray(0, all.length - (all.length % channels));
          const sound: Sound = { sampleRate, channels, samples };
          expect(readWav(writeWav(samples, sound))).toEqual({ sampleRate, channels, samples: Int16Array.from(samples) });
        },
      ),
      { numRuns: 200, seed: 44 },
    );
  });

  test.each<[WavEncoding, number]>([
    ['pcma', 6],
    ['pcmu', 7],
  ])('%s says so, with its number of samples, padded to even', (encoding, tag) => {
    const file = writeWav(sine(440, 8000, 0.1).subarray(0, 801 - 8), { sampleRate: 8000, encoding });
    const view = new DataView(file.buffer);
    expect([view.getUint16(20, true), view.getUint32(46, true), file.length % 2, view.getUint32(4, true)]).toEqual([
      tag,
      793,
      0,
      file.length - 8,
    ]);
    expect(readWav(file).samples).toHaveLength(793);
  });

  test('a header is as long whatever follows it, and can be written again as the data grow', () => {
    for (const encoding of ['pcm16', 'pcma'] as const) {
      const lengths = [0, 1, 1000, 2 ** 33].map((bytes) => wavHeader({ sampleRate: 8000, channels: 2, encoding }, bytes).length);
      expect(new Set(lengths).size).toBe(1);
    }
  });

  test('the file of a recorder that died, header from one second before, is right up to there', () => {
    const sound = sine(440, 8000, 2);
    const head = wavHeader({ sampleRate: 8000 }, 16_000);
    const file = new Uint8Array(head.length + 32_000);
    file.set(head);
    wavDataInto(sound, 16_000, 'pcm16', file, head.length);
    expect(readWav(file).samples).toEqual(sound.subarray(0, 8000));
  });

  test('what cannot be is refused by name', () => {
    expect(() => wavHeader({ sampleRate: 0 }, 0)).toThrow(/sampleRate/);
    expect(() => wavHeader({ sampleRate: 8000, channels: 0 }, 0)).toThrow(/channels/);
  });
});

test('isWav looks at the beginning', () => {
  expect([isWav(writeWav(new Int16Array(1), { sampleRate: 8000 })), isWav(Buffer.from('RIFFxxxxAVI ')), isWav(new Uint8Array(5))]).toEqual([
    true,
    false,
    false,
  ]);
});

test.skipIf(!dataFolder)('files of others are read as they are (needs SIPBOT_TEST_DATA)', () => {
  for (const [file, sampleRate] of [
    ['pjproject-input.8.wav', 8000],
    ['pjproject-input.16.wav', 16000],
    ['pjproject-tock8.wav', 8000],
    ['freeswitch-hi.wav', 16000],
    ['diago-demo-echodone.wav', 8000],
  ] as const) {
    expect(readWav(readData(`speech-dev/${file}`))).toEqual({ sampleRate, channels: 1, samples: speech(file) });
  }
});
