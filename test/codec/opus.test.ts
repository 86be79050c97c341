import { Encoder as TheirEncoder } from '@evan/opus';
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { opusPacketTicks } from '../../src/codec/opus.js';
import { opusLibrary } from '../../src/codec/opus-library.js';
import { type CodecOptions, decoder, describeCodec, encoder, isOpusLoaded, loadOpus, Resampler } from '../../src/codec.js';
import { alignedSnr, dataFolder, decibels, fitSine, largestStep, noise, rms, sine, speech, whiteNoise } from './signals.js';

const rates = [8000, 12000, 16000, 24000, 48000];

test('before loadOpus: an error that says what to do', async () => {
  expect(isOpusLoaded()).toBe(false);
  expect(() => encoder('opus')).toThrow(/`await loadOpus\(\)` first/);
  expect(() => decoder('opus')).toThrow(/`await loadOpus\(\)` first/);
});

test('without the package: an error that names it', async () => {
  vi.resetModules();
  vi.doMock('node:module', () => ({
    createRequire: () => ({
      resolve() {
        throw new Error('not there');
      },
    }),
  }));
  const alone = await import('../../src/codec/opus-library.js');
  await expect(alone.loadOpus()).rejects.toMatchObject({ code: 'ERR_CODEC', message: expect.stringContaining('npm install @evan/opus') });
  vi.doUnmock('node:module');
});

describe('loaded', () => {
  beforeAll(() => loadOpus());

  /** 20 ms at a time; the packets. */
  function encode(samples: Int16Array, options: CodecOptions & { sampleRate: number }, ms = 20): Uint8Array[] {
    const coder = encoder('opus', options);
    const frame = (options.sampleRate * ms) / 1000;
    const packets: Uint8Array[] = [];
    const bytes = new Uint8Array(1500);
    for (let at = 0; at + frame <= samples.length; at += frame) {
      packets.push(bytes.slice(0, coder.encode(samples.subarray(at, at + frame), frame, bytes, 0)));
    }
    coder.close();
    return packets;
  }

  function decode(packets: readonly Uint8Array[], sampleRate: number): Int16Array {
    const back = decoder('opus', { sampleRate });
    const out = new Int16Array((packets.length * sampleRate * 60) / 1000);
    let written = 0;
    for (const packet of packets) written += back.decode(packet, 0, packet.length, out, written);
    back.close();
    return out.subarray(0, written);
  }

  const bitsPerSecond = (packets: readonly Uint8Array[]) =>
    (packets.reduce((sum, packet) => sum + packet.length, 0) * 8 * 50) / packets.length;

  test.each(rates)('RFC 7587 §4.1 at %i Hz: clock 48000, 20 ms are 960 ticks and sampleRate / 50 samples', (sampleRate) => {
    const [packet] = encode(sine(440, sampleRate, 0.02), { sampleRate });
    expect(encoder('opus', { sampleRate }).clockRate).toBe(48000);
    expect(opusPacketTicks(packet!, 0, packet!.length)).toBe(960);
    expect(decoder('opus', { sampleRate }).samplesIn(packet!, 0, packet!.length)).toBe(sampleRate / 50);
    expect(decode([packet!], sampleRate)).toHaveLength(sampleRate / 50);
  });

  test.each(rates)('a tone of 1 kHz at %i Hz keeps its level within 1 dB', (sampleRate) => {
    const out = decode(encode(sine(1000, sampleRate, 1, 8000), { sampleRate }), sampleRate);
    const { amplitude, rest } = fitSine(out, 1000, sampleRate, sampleRate / 2, out.length);
    expect(Math.abs(decibels(amplitude / 8000))).toBeLessThan(1);
    expect(decibels(amplitude / Math.SQRT2 / rest)).toBeGreaterThan(15);
  });

  test('what is encoded at one rate is decoded at any other', () => {
    const packets = encode(sine(1000, 48000, 1, 8000), { sampleRate: 48000 });
    for (const sampleRate of rates) {
      const out = decode(packets, sampleRate);
      expect(out).toHaveLength(sampleRate);
      expect(Math.abs(decibels(fitSine(out, 1000, sampleRate, sampleRate / 2, out.length).amplitude / 8000))).toBeLessThan(1);
    }
  });

  test.each([10, 20, 40, 60])('RFC 7587 §4.2 packets of %i ms', (ms) => {
    const packets = encode(sine(500, 16000, 0.6), { sampleRate: 16000 }, ms);
    expect(packets.map((packet) => opusPacketTicks(packet, 0, packet.length))).toEqual(new Array(Math.floor(600 / ms)).fill(48 * ms));
    expect(decode(packets, 16000)).toHaveLength(Math.floor(600 / ms) * 16 * ms);
  });

  test('a number of samples that is no Opus frame is the caller’s mistake', () => {
    expect(() => encoder('opus', { sampleRate: 16000 }).encode(new Int16Array(480), 480, new Uint8Array(1500), 0)).toThrow(
      /takes 2.5, 5, 10, 20/,
    );
    expect(() => encoder('opus').encode(new Int16Array(9000), 9000, new Uint8Array(1500), 0)).toThrow(/too many/);
  });

  test('RFC 7587 §6.1 maxaveragebitrate is kept, nonsense in fmtp is ignored', () => {
    const sound = whiteNoise(48000, 8000);
    const usual = bitsPerSecond(encode(sound, { sampleRate: 16000 }));
    const limited = bitsPerSecond(encode(sound, { sampleRate: 16000, fmtp: { maxaveragebitrate: '12000' } }));
    expect(usual).toBeGreaterThan(20_000);
    expect(limited).toBeLessThan(14_500);
    for (const maxaveragebitrate of ['0', '99999999999', 'x', '-5', '12000x', '600000']) {
      expect(bitsPerSecond(encode(sound, { sampleRate: 16000, fmtp: { maxaveragebitrate } }))).toBe(usual);
    }
  });

  test('RFC 7587 §6.1 cbr: every packet is as long as the others', () => {
    const lengths = encode(whiteNoise(16000, 8000), { sampleRate: 16000, fmtp: { cbr: '1' } }).map((packet) => packet.length);
    expect(new Set(lengths).size).toBe(1);
  });

  test('RFC 7587 §6.1 maxplaybackrate: no bandwidth the far end cannot hear', () => {
    const sound = sine(6000, 48000, 0.6, 8000);
    const level = (fmtp: CodecOptions['fmtp']) => rms(decode(encode(sound, { sampleRate: 48000, ...(fmtp && { fmtp }) }), 48000), 24000);
    expect(decibels(level({ maxplaybackrate: '8000' }) / level(undefined))).toBeLessThan(-30);
    expect(Math.abs(decibels(level({ maxplaybackrate: '16000' }) / level(undefined)))).toBeLessThan(2);
  });

  test('RFC 7587 §3.1.3 usedtx: silence is hardly sent, and only when it was asked for', () => {
    const silence = new Int16Array(32000);
    const sent = (fmtp: CodecOptions['fmtp']) =>
      encode(silence, { sampleRate: 16000, ...(fmtp && { fmtp }) }).filter((packet) => packet.length > 0).length;
    expect(sent({ usedtx: '1' })).toBeLessThan(25);
    expect(sent({ usedtx: '0' })).toBe(100);
    expect(sent(undefined)).toBe(100);
  });

  test('RFC 7587 §6.1 what we ask of the far end', () => {
    expect(describeCodec('opus').fmtp).toEqual({ useinbandfec: '1' });
    expect(describeCodec('opus', { sampleRate: 16000 }).fmtp).toEqual({
      maxplaybackrate: '16000',
      'sprop-maxcapturerate': '16000',
      useinbandfec: '1',
    });
  });

  test('RFC 7587 §6.1 stereo is taken, mixed to one channel', () => {
    const theirs = new TheirEncoder({ channels: 2, sample_rate: 48000, application: 'audio' });
    const left = sine(1000, 48000, 0.4, 12_000);
    const packets: Uint8Array[] = [];
    for (let at = 0; at < left.length; at += 960) {
      packets.push(theirs.encode(Int16Array.from({ length: 1920 }, (_, i) => (i % 2 === 0 ? left[at + i / 2]! : 0))));
    }
    const out = decode(packets, 48000);
    expect(Math.abs(decibels(fitSine(out, 1000, 48000, 9600, out.length).amplitude / 6000))).toBeLessThan(1);
  });

  test.each([8000, 16000, 48000])('RFC 6716 §4.4 at %i Hz: a lost packet is made up without a click, long gaps fade', (sampleRate) => {
    const sound = sine(300, sampleRate, 0.6, 10_000);
    const packets = encode(sound, { sampleRate });
    const back = decoder('opus', { sampleRate });
    const frame = sampleRate / 50;
    const out = new Int16Array(30 * frame);
    for (let k = 0; k < 15; k++) back.decode(packets[k]!, 0, packets[k]!.length, out, k * frame);
    for (let k = 15; k < 30; k++) expect(back.conceal!(out, k * frame, frame)).toBe(frame);
    expect(Math.abs(decibels(rms(out, 15 * frame, 16 * frame) / rms(out, 14 * frame, 15 * frame)))).toBeLessThan(3);
    expect(largestStep(out, 15 * frame - 20)).toBeLessThan(1.2 * largestStep(sound));
    expect(decibels(rms(out, 29 * frame, 30 * frame) / rms(out, 14 * frame, 15 * frame))).toBeLessThan(-20);
  });

  test('conceal fills any length, also one that Opus cannot make', () => {
    const back = decoder('opus', { sampleRate: 16000 });
    const out = new Int16Array(5000).fill(77);
    expect(back.conceal!(out, 0, 333)).toBe(333);
    expect(out.subarray(0, 333).every((sample) => sample === 0)).toBe(true);
    expect(out[333]).toBe(77);
    expect(back.conceal!(out, 4990, 320)).toBe(10);
    expect(back.conceal!(out, 0, 320, Uint8Array.of(255, 255, 255), 0, 3)).toBe(320);
  });

  test.skipIf(!dataFolder)(
    'RFC 6716 §2.1.7 the copy in the next packet is nearer to what was said than what is made up (needs SIPBOT_TEST_DATA)',
    () => {
      const sound = speech('pjproject-input.16.wav');
      const frame = 320;
      const packets = encode(sound, { sampleRate: 16000, fmtp: { useinbandfec: '1' } });
      const whole = decode(packets, 16000);
      /** Every fifth packet lost: the error over the gaps, against what would have been decoded, in dB. */
      const error = (how: 'copy' | 'made up') => {
        const back = decoder('opus', { sampleRate: 16000 });
        const out = new Int16Array(whole.length);
        let missed = 0;
        let energy = 0;
        packets.forEach((packet, k) => {
          if (k % 5 !== 3) back.decode(packet, 0, packet.length, out, k * frame);
          else {
            const next = packets[k + 1]!;
            if (how === 'copy') back.conceal!(out, k * frame, frame, next, 0, next.length);
            else back.conceal!(out, k * frame, frame);
            for (let i = k * frame; i < (k + 1) * frame; i++) {
              missed += (out[i]! - whole[i]!) ** 2;
              energy += whole[i]! ** 2;
            }
          }
        });
        back.close();
        return 10 * Math.log10(missed / energy);
      };
      expect(error('copy')).toBeLessThan(error('made up') - 4);
    },
  );

  test.skipIf(!dataFolder)('speech keeps its level within 1 dB and its shape (needs SIPBOT_TEST_DATA)', () => {
    const sound = speech('pjproject-input.16.wav');
    for (const sampleRate of [16000, 48000]) {
      const resampler = new Resampler(16000, sampleRate);
      const original = new Int16Array(resampler.maxOutput(sound.length));
      resampler.process(sound, sound.length, original);
      const out = decode(encode(original, { sampleRate, fmtp: { maxaveragebitrate: '40000' } }), sampleRate);
      expect(Math.abs(decibels(rms(out) / rms(original))), `${sampleRate}`).toBeLessThan(1);
      // The low-delay filter bank alters phases: what can be asked of the waveform is little.
      expect(
        alignedSnr(original.subarray(sampleRate, 2 * sampleRate), out.subarray(sampleRate, 2 * sampleRate + 800), 700).snr,
      ).toBeGreaterThan(3);
    }
  });

  test('RFC 6716 §3.1, §3.2 the length of every kind of packet', () => {
    const ticks = (...bytes: number[]) => opusPacketTicks(Uint8Array.from(bytes), 0, bytes.length);
    const perConfig = Array.from({ length: 32 }, (_, config) => ticks(config << 3, 0) / 48);
    expect(perConfig).toEqual([
      ...[1, 2, 3].flatMap(() => [10, 20, 40, 60]),
      ...[1, 2].flatMap(() => [10, 20]),
      ...[1, 2, 3, 4].flatMap(() => [2.5, 5, 10, 20]),
    ]);
    expect([
      ticks((1 << 3) | 1, 0),
      ticks((1 << 3) | 2, 0),
      ticks((1 << 3) | 3, 6),
      ticks((1 << 3) | 3, 7),
      ticks((1 << 3) | 3),
      ticks(),
    ]).toEqual([1920, 1920, 5760, 0, 0, 0]);
  });

  test('any bytes: no throw, never more than the array holds, and the next packet still decodes', () => {
    const [packet] = encode(sine(440, 16000, 0.02), { sampleRate: 16000 });
    const back = decoder('opus', { sampleRate: 16000 });
    const next = noise(7);
    const out = new Int16Array(2000).fill(5);
    for (let round = 0; round < Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 3000); round++) {
      const bytes = Uint8Array.from({ length: 1 + Math.floor(40 * (next() + 1)) }, () => 128 * (next() + 1));
      const count = back.decode(bytes, 0, bytes.length, out, 1000);
      expect(count).toBeGreaterThanOrEqual(0);
      expect(count).toBeLessThanOrEqual(1000);
      back.conceal!(out, 0, 320, bytes, 0, bytes.length);
    }
    expect(back.decode(packet!, 0, packet!.length, out, 0)).toBe(320);
  });

  test('a mutated packet is decoded or refused', () => {
    const [, packet] = encode(whiteNoise(640, 9000), { sampleRate: 16000 });
    const back = decoder('opus', { sampleRate: 48000 });
    const out = new Int16Array(5760);
    fc.assert(
      fc.property(fc.nat(packet!.length - 1), fc.nat(255), fc.nat(packet!.length), (at, byte, length) => {
        const bytes = packet!.slice(0, length);
        bytes[at] = byte;
        const count = back.decode(bytes, 0, bytes.length, out, 0);
        expect([0, back.samplesIn(bytes, 0, bytes.length)]).toContain(count);
      }),
      { numRuns: 500, seed: 6716 },
    );
  });

  test('after reset the past is forgotten', () => {
    const sound = sine(440, 16000, 0.1);
    const first = encode(sound, { sampleRate: 16000 });
    const coder = encoder('opus', { sampleRate: 16000 });
    const bytes = new Uint8Array(1500);
    coder.encode(whiteNoise(320, 30_000), 320, bytes, 0);
    coder.reset();
    expect(bytes.slice(0, coder.encode(sound, 320, bytes, 0))).toEqual(first[0]);
    const back = decoder('opus', { sampleRate: 16000 });
    const out = new Int16Array(1600);
    for (const packet of first) back.decode(packet, 0, packet.length, out, 0);
    back.reset();
    for (const [k, packet] of first.entries()) expect(back.decode(packet, 0, packet.length, out, 320 * k)).toBe(320);
    expect(out).toEqual(decode(first, 16000));
  });

  test('after close it is not to be used; closing twice is nothing', () => {
    const coder = encoder('opus');
    const back = decoder('opus');
    for (const codec of [coder, back, coder, back]) codec.close();
    expect(() => coder.encode(new Int16Array(960), 960, new Uint8Array(1500), 0)).toThrow(/after close/);
    expect(() => back.decode(Uint8Array.of(8, 0), 0, 2, new Int16Array(960), 0)).toThrow(/after close/);
  });

  test('ten thousand codecs, closed each time, do not grow the library’s memory', () => {
    const use = () => {
      encoder('opus', { sampleRate: 16000 }).close();
      decoder('opus', { sampleRate: 16000 }).close();
    };
    use();
    const before = opusLibrary().calls.memory.buffer.byteLength;
    for (let i = 0; i < 10_000; i++) use();
    expect(opusLibrary().calls.memory.buffer.byteLength).toBe(before);
  });

  test('rates it has not are refused', () => {
    expect(() => encoder('opus', { sampleRate: 44100 })).toThrow(/sampleRate/);
    expect(() => decoder('opus', { sampleRate: 0 })).toThrow(/sampleRate/);
  });
});
