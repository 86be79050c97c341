import { expect, test } from 'vitest';
import type { DatagramListener, DatagramSocket } from '../../src/network.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import { isRtcp } from '../../src/rtp/header.js';
import { ManualClock } from '../../src/testing/manual-clock.js';

class Wire implements DatagramSocket {
  onMessage: DatagramListener | undefined;
  onError: undefined;
  readonly local = { address: '192.0.2.1', port: 10_000 };
  readonly sent: Uint8Array[] = [];

  send(bytes: Uint8Array, offset: number, length: number): void {
    this.sent.push(bytes.slice(offset, offset + length));
  }

  close(): void {}
}

test('a call on hold costs its RTCP and nothing else: no packet, no frame for the application', async () => {
  const clock = new ManualClock();
  const wire = new Wire();
  const engine = new MediaEngine({ clock, host: '192.0.2.1', network: { datagram: async () => wire } });
  const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
  const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;
  const remote = { address: '192.0.2.2', port: 4000, rtcpPort: 4001 };
  const parameters = { remote, send: true, receive: true, codec: g711, accept: [g711], rtcpMux: true };
  stream.configure(parameters);
  clock.advance(1000);
  expect(wire.sent.filter((packet) => !isRtcp(packet)).length).toBe(50);

  stream.configure({ ...parameters, send: false, receive: false });
  const framesBefore = stream.incoming.written;
  let wakeUps = 0;
  stream.onFrames = () => wakeUps++;
  wire.sent.length = 0;
  clock.advance(120_000);
  expect(wire.sent.every((packet) => isRtcp(packet))).toBe(true);
  // RFC 3550 §6.3.1: every 2 to 6.2 seconds.
  expect(wire.sent.length).toBeGreaterThan(120 / 6.3);
  expect(wire.sent.length).toBeLessThan(120 / 2);
  expect([stream.incoming.written - framesBefore, wakeUps]).toEqual([0, 0]);
  await engine.close();
});
