/** What is done to one packet and to the 20 ms in it. */

import type { Load } from './load.js';
import type { Work } from './work.js';

type Room = typeof import('../../src/codec.js') & typeof import('../../src/rtp.js');

export async function packetTasks(load: Load): Promise<Work[]> {
  const { decoder, encoder, Resampler, SrtpContext, cryptoKeysFrom, writeRtp } = await load<Room>('codec', 'rtp');
  const sound = Int16Array.from({ length: 320 }, (_, i) => 8000 * Math.sin(i / 9) + 3000 * Math.sin(i / 4));
  const samples = new Int16Array(960);
  const bytes = new Uint8Array(320);
  const coders = (['pcmu', 'g722'] as const).flatMap((name): Work[] => {
    const [into, from] = [encoder(name), decoder(name)];
    const length = name === 'g722' ? 320 : 160;
    return [
      { name: `${name} encoded`, run: () => into.encode(sound, length, bytes, 0) },
      { name: `${name} decoded`, run: () => from.decode(bytes, 0, 160, samples, 0) },
    ];
  });
  const resamplers = (
    [
      [16_000, 8000],
      [8000, 16_000],
    ] as const
  ).map(([from, to]): Work => {
    const resampler = new Resampler(from, to);
    return { name: `${from / 1000} to ${to / 1000} kHz`, run: () => resampler.process(sound, from / 50, samples) };
  });
  const seals = (['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'] as const).map((suite): Work => {
    const keys = cryptoKeysFrom(suite, new Uint8Array(64).fill(7));
    const [sender, receiver] = [new SrtpContext(keys), new SrtpContext(keys)];
    const packet = Buffer.alloc(172 + sender.rtpOverhead);
    let number = 0;
    const seal = (): number => {
      number++;
      writeRtp(packet, { payloadType: 0, marker: false, sequence: number & 0xffff, timestamp: (160 * number) >>> 0, ssrc: 7 });
      return receiver.unprotectRtp(packet, sender.protectRtp(packet, 172));
    };
    return { name: `${suite}, both`, run: seal };
  });
  return [...coders, ...resamplers, ...seals];
}
