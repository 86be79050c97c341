/** N inline streams on a hand-turned clock over a wire that keeps nothing: each round of 20 ms brings every stream a packet and takes one from it. */
import type { DatagramListener, DatagramSocket } from '../src/network.js';
import type { MediaEngine } from '../src/rtp/engine.js';
import type { writeRtp } from '../src/rtp/header.js';
import type { ManualClock } from '../src/testing/manual-clock.js';

/** Of this checkout, or of another. */
export interface EngineParts {
  readonly MediaEngine: typeof MediaEngine;
  readonly ManualClock: typeof ManualClock;
  readonly writeRtp: typeof writeRtp;
}

class Wire implements DatagramSocket {
  onMessage: DatagramListener | undefined;
  onError: undefined;
  readonly local;

  constructor(port: number) {
    this.local = { address: '10.0.0.1', port };
  }

  send(): void {}

  close(): void {}
}

export interface Rounds {
  turn(): void;
  close(): Promise<void>;
}

export async function openRounds({ MediaEngine, ManualClock, writeRtp }: EngineParts, count: number, rate: number): Promise<Rounds> {
  const clock = new ManualClock();
  const wires: Wire[] = [];
  const datagram = async ({ port }: { readonly port: number }): Promise<Wire> => {
    const wire = new Wire(port);
    wires.push(wire);
    return wire;
  };
  const engine = new MediaEngine({ clock, host: '10.0.0.1', ports: [10_000, 10_000 + 2 * count + 10], network: { datagram } });
  for (let i = 0; i < count; i++) await openEcho(engine, rate);
  const packet = Buffer.alloc(172);
  for (let i = 12; i < 172; i++) packet[i] = (i * 37) & 0xff;
  let round = 0;
  return {
    turn: () => {
      for (const wire of wires) {
        writeRtp(packet, { payloadType: 0, marker: false, sequence: round & 0xffff, timestamp: (160 * round) >>> 0, ssrc: 7 });
        wire.onMessage?.(packet, '10.0.0.2', 5000);
      }
      clock.advance(20);
      round++;
    },
    close: async () => void (await engine.close()),
  };
}

async function openEcho(engine: MediaEngine, rate: number): Promise<void> {
  const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;
  const stream = await engine.open({ sampleRate: rate as 8000, frameMs: 20 });
  const remote = { address: '10.0.0.2', port: 5000, rtcpPort: 5001 };
  stream.configure({ remote, send: true, receive: true, codec: g711, accept: [g711], rtcpMux: true });
  const cursor = stream.incoming.cursor();
  const frame = new Int16Array(stream.incoming.frameSamples);
  stream.onFrames = () => {
    while (cursor.next(frame) !== undefined) stream.outgoing.write(frame);
  };
}
