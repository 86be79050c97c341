/** What a packet leaves to the garbage collector on its way from the socket to where it waits: nothing. Counted in bytes, not timed. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Clock, Timer } from '../../src/clock.js';
import type { DatagramListener, DatagramSocket } from '../../src/network.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import { writeRtp } from '../../src/rtp/header.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

class Wire implements DatagramSocket {
  onMessage: DatagramListener | undefined;
  onError: undefined;
  readonly local = { address: '192.0.2.1', port: 10_000 };

  send(): void {}

  close(): void {}
}

/** One timer, turned by hand, that allocates nothing itself. */
class Hand implements Clock, Timer {
  #now = 0;
  #when = 0;
  #task: (() => void) | undefined;

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  at(when: number, task: () => void): Timer {
    this.#when = when;
    this.#task = task;
    return this;
  }

  cancel(): void {
    this.#task = undefined;
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    while (this.#task !== undefined && this.#when <= until) {
      const task = this.#task;
      this.#task = undefined;
      this.#now = this.#when;
      task();
    }
    this.#now = until;
  }
}

const grown = (work: () => void): number => {
  const before = process.memoryUsage().heapUsed;
  work();
  return process.memoryUsage().heapUsed - before;
};

/** A collection, or the compiler, in the middle of a few of them says nothing. */
const median = (samples: number[]): number => samples.sort((a, b) => a - b)[samples.length >> 1]!;

test('an RTP packet from its socket to the jitter buffer allocates not a byte', async () => {
  const clock = new Hand();
  const wire = new Wire();
  const engine = new MediaEngine({ clock, host: '192.0.2.1', network: { datagram: async () => wire } });
  const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
  const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;
  const remote = { address: '192.0.2.2', port: 4000, rtcpPort: 4001 };
  stream.configure({ remote, send: true, receive: true, codec: g711, accept: [g711], rtcpMux: true });
  const packet = Buffer.alloc(172, 0x55);
  const header = { payloadType: 0, marker: false, sequence: 0, timestamp: 0, ssrc: 7 };
  let number = 0;
  const write = (): void => {
    number++;
    header.sequence = number & 0xffff;
    header.timestamp = (160 * number) >>> 0;
    writeRtp(packet, header);
  };
  // Until the compiler has seen enough of it.
  for (let i = 0; i < 60_000; i++) {
    write();
    wire.onMessage!(packet, remote.address, remote.port);
    clock.advance(20);
  }
  expect(stream.stats().receivedPackets).toBeGreaterThan(59_000);
  collect();
  const nothing: number[] = [];
  const packets: number[] = [];
  const receive = (): void => wire.onMessage!(packet, remote.address, remote.port);
  for (let i = 0; i < 401; i++) {
    write();
    nothing.push(grown(() => {}));
    packets.push(grown(receive));
    clock.advance(20);
  }
  expect(median(packets) - median(nothing)).toBe(0);
  await engine.close();
});
