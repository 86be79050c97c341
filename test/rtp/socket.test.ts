/** Media over real sockets: what a burst at a call's port costs that call. */
import { createSocket } from 'node:dgram';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import { writeRtp } from '../../src/rtp/header.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const g711 = { payloadType: 0, codec: 'pcmu' } as const;
type Answer = (error: null, address: string, family: number) => void;
const atOnce = (host: string, options: unknown, answer?: Answer): void => ((answer ?? options) as Answer)(null, host, 4);
/** The system's default holds 256 of G.711: a flood of 20,000 a second is past it when the thread looks away for 13 ms. */
const BURST = 450;

test('nothing of a burst that arrives in one turn of the thread is lost', async () => {
  const engine = new MediaEngine({ clock: systemClock, random: new SeededRandom(1), host: '127.0.0.1', threads: 0 });
  const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
  const peer = createSocket({ type: 'udp4', lookup: atOnce as never });
  await new Promise<void>((resolve) => peer.bind(0, '127.0.0.1', resolve));
  const { port } = peer.address();
  stream.configure({
    remote: { address: '127.0.0.1', port, rtcpPort: port + 1 },
    send: false,
    receive: true,
    codec: g711,
    accept: [g711],
    rtcpMux: true,
  });
  const packet = new Uint8Array(172).fill(0x20, 12);
  for (let i = 0; i < BURST; i++) {
    writeRtp(packet, { payloadType: 0, marker: false, sequence: i, timestamp: 160 * i, ssrc: 7 });
    peer.send(packet, stream.local.port, '127.0.0.1');
  }
  await expect.poll(() => stream.stats().receivedPackets).toBe(BURST);
  expect(stream.stats().receivedLost).toBe(0);
  peer.close();
  await engine.close();
});
