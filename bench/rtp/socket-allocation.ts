/**
 * What a packet leaves to the collector on its way from a real socket: to a listener of bare `dgram` that does nothing, and into our jitter buffer, in
 * turns. Counted between the first and the last packet of a burst, within one turn of the event loop.
 */
import { createSocket } from 'node:dgram';
import { Worker } from 'node:worker_threads';
import type { DatagramSocket } from '../../src/network.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import { systemDatagram } from '../../src/rtp/socket.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { median } from '../report.js';

const HOST = '127.0.0.1';
const BURST = 20;
const ROUNDS = 3300;
/** The compiler has seen enough of it by then. */
const WARM_ROUNDS = 3000;

/** Sends bursts of G.711 to whichever port it is told, from a heap of its own. */
const SENDER = `
  const { parentPort } = require('node:worker_threads');
  const socket = require('node:dgram').createSocket('udp4');
  const packet = Buffer.alloc(172, 0x55);
  packet[0] = 0x80; packet[1] = 0; packet.writeUInt32BE(7, 8);
  let number = 0;
  socket.bind(0, '${HOST}', () => parentPort.postMessage(socket.address().port));
  parentPort.on('message', (port) => {
    for (let i = 0; i < ${BURST}; i++) {
      number++;
      packet.writeUInt16BE(number & 0xffff, 2);
      packet.writeUInt32BE((160 * number) >>> 0, 4);
      socket.send(Buffer.from(packet), port, '${HOST}');
    }
  });`;

/** Bytes of heap between the first packet of a burst and its last. */
class Count {
  #seen = 0;
  #before = 0;
  #done: (bytes: number) => void = () => {};

  burst(): Promise<number> {
    this.#seen = 0;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  readonly packet = (): void => {
    this.#seen++;
    if (this.#seen === 1) this.#before = process.memoryUsage().heapUsed;
    else if (this.#seen === BURST) this.#done(process.memoryUsage().heapUsed - this.#before);
  };
}

export async function socketAllocation(): Promise<{ readonly bare: number; readonly ours: number }> {
  const sender = new Worker(SENDER, { eval: true });
  const from = await new Promise<number>((resolve) => sender.once('message', resolve));
  const bare = new Count();
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  socket.on('message', bare.packet);
  const ours = new Count();
  const clock = new ManualClock();
  const engine = new MediaEngine({
    clock,
    host: HOST,
    network: { datagram: async (options) => counted(await systemDatagram(options), ours) },
  });
  const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
  const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;
  const remote = { address: HOST, port: from, rtcpPort: from + 1 };
  stream.configure({ remote, send: false, receive: true, codec: g711, accept: [g711], rtcpMux: true });
  const found = { bare: [] as number[], ours: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, count, port] of [
      ['bare', bare, socket.address().port],
      ['ours', ours, stream.local.port],
    ] as const) {
      const counting = count.burst();
      sender.postMessage(port);
      const bytes = await counting;
      // A collection in between says nothing.
      if (round >= WARM_ROUNDS && bytes >= 0) found[name].push(bytes / (BURST - 1));
    }
    clock.advance(20 * BURST);
  }
  const heard = stream.stats().receivedPackets;
  if (heard < ROUNDS * BURST - BURST) throw new Error(`the engine took ${heard} of ${ROUNDS * BURST} packets`);
  await engine.close();
  socket.close();
  await sender.terminate();
  const reading = costOfReading() / (BURST - 1);
  return { bare: Math.round(median(found.bare) - reading), ours: Math.round(median(found.ours) - reading) };
}

/** Asking for the figure takes some bytes itself. */
function costOfReading(): number {
  return median(
    Array.from({ length: 101 }, () => {
      const before = process.memoryUsage().heapUsed;
      return process.memoryUsage().heapUsed - before;
    }),
  );
}

/** The same socket, seen by `count` before its listener sees it. */
function counted(socket: DatagramSocket, count: Count): DatagramSocket {
  return {
    local: socket.local,
    onError: undefined,
    send: (...packet) => socket.send(...packet),
    close: () => socket.close(),
    get onMessage() {
      return socket.onMessage;
    },
    set onMessage(listener) {
      socket.onMessage =
        listener &&
        ((bytes, address, port) => {
          count.packet();
          listener(bytes, address, port);
        });
    },
  };
}
