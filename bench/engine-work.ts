/**
 * What the engine itself does for a pair of packets, without sockets or threads: N inline streams on a hand-turned clock over a wire that
 * keeps nothing. `npm run bench -- engine-work`: microseconds of CPU and bytes allocated a pair; both are ours alone, whatever dgram adds.
 */
import { parseArgs } from 'node:util';
import type { DatagramListener, DatagramSocket } from '../src/network.js';
import { MediaEngine } from '../src/rtp/engine.js';
import { writeRtp } from '../src/rtp/header.js';
import { ManualClock } from '../src/testing/manual-clock.js';
import { save } from './report.js';

class Wire implements DatagramSocket {
  onMessage: DatagramListener | undefined;
  onError: undefined;
  readonly local;
  sent = 0;

  constructor(port: number) {
    this.local = { address: '10.0.0.1', port };
  }

  send(): void {
    this.sent++;
  }

  close(): void {}
}

export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      streams: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '20' },
      rate: { type: 'string', default: '8000,16000' },
    },
  });
  const streams = Number(values.streams);
  const results: object[] = [];
  for (const rate of values.rate.split(',').map(Number)) {
    const { microseconds, bytes, memory } = await measure(streams, rate, Number(values.seconds));
    results.push({ streams, rate, microsecondsAPair: microseconds, bytesAPair: bytes, bytesAStream: memory });
    console.log(
      `${streams} streams, ${rate / 1000} kHz bot: ${microseconds.toFixed(2)} us CPU, ${bytes.toFixed(0)} bytes allocated per pair; ${(memory / 1000).toFixed(1)} kB per stream`,
    );
  }
  save('engine-work', results);
}

async function measure(count: number, rate: number, seconds: number) {
  const clock = new ManualClock();
  const wires: Wire[] = [];
  globalThis.gc?.();
  const before = process.memoryUsage();
  const engine = new MediaEngine({
    clock,
    host: '10.0.0.1',
    ports: [10_000, 10_000 + 2 * count + 10],
    network: {
      datagram: async ({ port }) => {
        const wire = new Wire(port);
        wires.push(wire);
        return wire;
      },
    },
  });
  const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;
  for (let i = 0; i < count; i++) {
    const stream = await engine.open({ sampleRate: rate as 8000, frameMs: 20 });
    stream.configure({
      remote: { address: '10.0.0.2', port: 5000, rtcpPort: 5001 },
      send: true,
      receive: true,
      codec: g711,
      accept: [g711],
      rtcpMux: true,
    });
    const cursor = stream.incoming.cursor();
    const frame = new Int16Array(stream.incoming.frameSamples);
    stream.onFrames = () => {
      while (cursor.next(frame) !== undefined) stream.outgoing.write(frame);
    };
  }
  const packet = Buffer.alloc(172);
  for (let i = 12; i < 172; i++) packet[i] = (i * 37) & 0xff;
  let round = 0;
  const turn = (rounds: number): void => {
    for (let i = 0; i < rounds; i++, round++) {
      for (const wire of wires) {
        writeRtp(packet, { payloadType: 0, marker: false, sequence: round & 0xffff, timestamp: (160 * round) >>> 0, ssrc: 7 });
        wire.onMessage?.(packet, '10.0.0.2', 5000);
      }
      clock.advance(20);
    }
  };
  turn(100);
  globalThis.gc?.();
  const after = process.memoryUsage();
  const rounds = seconds * 50;
  let allocated = 0;
  const cpu = process.cpuUsage();
  // Between two collections the heap only grows: counted in short stretches, those that shrank are left out.
  let counted = 0;
  for (let done = 0; done < rounds; done += 5) {
    const heap = process.memoryUsage().heapUsed;
    turn(5);
    const grown = process.memoryUsage().heapUsed - heap;
    if (grown >= 0) {
      allocated += grown;
      counted += 5;
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  const pairs = rounds * count;
  const memory = (after.heapUsed + after.arrayBuffers + after.external - before.heapUsed - before.arrayBuffers - before.external) / count;
  await engine.close();
  return { microseconds: (user + system) / pairs, bytes: allocated / (counted * count), memory };
}

if (process.argv[1]?.endsWith('engine-work.ts')) await run(process.argv.slice(2));
