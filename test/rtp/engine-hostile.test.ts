/** Bytes from anywhere, into a stream that is in a call: nothing throws, nothing grows, and the neighbour hears nothing of it. */
import { expect, test } from 'vitest';
import type { DatagramListener, DatagramOptions, DatagramSocket } from '../../src/network.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import { writeRtp } from '../../src/rtp/header.js';
import type { MediaStream, StreamEvent } from '../../src/rtp/media-stream.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const runs = Number(process.env.SIPBOT_FUZZ_RUNS ?? 20_000);
const g711 = { payloadType: 0, codec: 'pcmu' } as const;
const PEER = '10.0.0.2';

class Wire implements DatagramSocket {
  onMessage: DatagramListener | undefined;
  onError: undefined;
  readonly local;
  readonly sent: Uint8Array[] = [];

  constructor({ host, port }: DatagramOptions) {
    this.local = { address: host, port };
  }

  send(bytes: Uint8Array, offset: number, length: number): void {
    this.sent.push(bytes.slice(offset, offset + length));
  }

  close(): void {}
}

async function calls(count: number) {
  const clock = new ManualClock();
  const wires: Wire[] = [];
  const engine = new MediaEngine({
    clock,
    random: new SeededRandom(9),
    host: '10.0.0.1',
    network: {
      datagram: async (options) => {
        const wire = new Wire(options);
        wires.push(wire);
        return wire;
      },
    },
  });
  const streams: MediaStream[] = [];
  const events: StreamEvent[][] = [];
  for (let i = 0; i < count; i++) {
    const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
    stream.configure({
      remote: { address: PEER, port: 5000 + 2 * i, rtcpPort: 5001 + 2 * i },
      send: true,
      receive: true,
      codec: g711,
      accept: [g711, { payloadType: 8, codec: 'pcma' }, { payloadType: 9, codec: 'g722' }],
      telephoneEvent: { sendPayloadType: 101, receivePayloadTypes: [101], clockRate: 8000 },
      comfortNoise: { receivePayloadTypes: [13] },
      rtcpMux: true,
    });
    const heard: StreamEvent[] = [];
    stream.onEvent = (event) => heard.push(event);
    streams.push(stream);
    events.push(heard);
  }
  return { clock, engine, wires, streams, events };
}

function packetOf(sequence: number): Uint8Array {
  const packet = new Uint8Array(172).fill(0x20, 12);
  writeRtp(packet, { payloadType: 0, marker: false, sequence: sequence & 0xffff, timestamp: (160 * sequence) >>> 0, ssrc: 0xabc });
  return packet;
}

test(`${runs} mutated packets into one stream: no throw, no failure, and the stream beside it is whole`, async () => {
  const { clock, engine, wires, streams, events } = await calls(2);
  const random = new SeededRandom(4711);
  const cursors = streams.map((stream) => stream.incoming.cursor());
  const perFrame = 20;
  let sequence = 0;
  let clean = 0;
  for (let sent = 0; sent < runs; sent += perFrame) {
    wires[0]!.onMessage!(packetOf(sequence), PEER, 5000);
    wires[1]!.onMessage!(packetOf(sequence), PEER, 5002);
    sequence++;
    for (let i = 0; i < perFrame; i++) {
      const packet = packetOf(sequence + (random.uint32() % 7) - 3);
      const flips = 1 + (random.uint32() % 6);
      for (let flip = 0; flip < flips; flip++)
        packet[random.uint32() % (random.fraction() < 0.7 ? 16 : packet.length)] = random.uint32() & 0xff;
      const cut = random.fraction() < 0.3 ? random.uint32() % packet.length : packet.length;
      // From the peer itself, from its host, and from elsewhere.
      const from = random.fraction();
      wires[0]!.onMessage!(packet.subarray(0, cut), from < 0.9 ? PEER : '10.9.9.9', from < 0.6 ? 5000 : random.uint32() & 0xffff);
    }
    clock.advance(20);
    while (cursors[0]!.next() !== undefined);
    for (let frame = cursors[1]!.next(); frame !== undefined; frame = cursors[1]!.next()) if (cursors[1]!.source === 'heard') clean++;
  }
  const frames = Math.floor(runs / perFrame);
  expect(clean).toBeGreaterThan(frames - 10);
  expect(wires[1]!.sent.length).toBeGreaterThan(frames - 5);
  expect(wires[0]!.sent.length).toBeGreaterThan(frames - 5);
  expect(events.flat().filter((event) => event.type === 'failed')).toEqual([]);
  expect(events[1]!.map((event) => event.type)).toEqual(['firstPacket']);
  const neighbour = streams[1]!.stats();
  expect([neighbour.receivedLost, neighbour.receivedInvalid, neighbour.receivedForeign]).toEqual([0, 0, 0]);
  expect(streams[0]!.stats().receivedInvalid).toBeGreaterThan(0);
  // And when it is over, the stream hears its peer again.
  for (let i = 0; i < 200; i++) {
    wires[0]!.onMessage!(packetOf(++sequence), PEER, 5000);
    clock.advance(20);
  }
  const last = streams[0]!.incoming.cursor('oldest');
  let heard = 0;
  while (last.next() !== undefined) if (last.source === 'heard') heard++;
  expect(heard).toBeGreaterThan(45);
  await engine.close();
}, 600_000);

test('a flood of valid packets from nowhere moves nothing: the peer is still heard and still sent to', async () => {
  const { clock, engine, wires, streams, events } = await calls(1);
  const random = new SeededRandom(12);
  for (let i = 0; i < 500; i++) {
    wires[0]!.onMessage!(packetOf(i), PEER, 5000);
    const forged = packetOf(i + 1000);
    forged[8] = 0x77;
    for (let k = 0; k < 10; k++) wires[0]!.onMessage!(forged, `10.8.${random.uint32() & 0xff}.1`, 4000);
    clock.advance(20);
  }
  expect(events[0]!.map((event) => event.type)).toEqual(['firstPacket']);
  expect(streams[0]!.stats().receivedForeign).toBeGreaterThan(4900);
  expect(streams[0]!.stats().receivedLost).toBe(0);
  await engine.close();
});
