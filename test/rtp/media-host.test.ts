/** What a host of streams asks of the network. */
import { expect, test } from 'vitest';
import type { DatagramOptions } from '../../src/network.js';
import { MediaHost, threadMemory } from '../../src/rtp/media-host.js';
import { readyQueueMemory } from '../../src/rtp/ready-queue.js';
import { streamLayout } from '../../src/rtp/stream-memory.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

test('a socket bound ahead of its call holds as much of what arrives as one that is bound for it', () => {
  const asked: DatagramOptions[] = [];
  const host = new MediaHost({
    clock: new ManualClock(),
    random: new SeededRandom(1),
    datagram: (options) => {
      asked.push(options);
      return new Promise(() => {});
    },
    rooms: {},
    ready: readyQueueMemory(1),
    counts: threadMemory(),
    report: () => {},
  });
  const format = { sampleRate: 8000, frameMs: 20 };
  const memory = new SharedArrayBuffer(streamLayout(format).bytes);
  host.onCommand({ type: 'bind', host: '127.0.0.1', ports: [10_000] });
  host.onCommand({ type: 'open', stream: 0, host: '127.0.0.1', port: 10_002, memory, ...format, cname: 'x' });
  expect(asked.map(({ port }) => port)).toEqual([10_000, 10_002]);
  expect(asked[0]!.receiveBufferBytes).toBeGreaterThan(256 * 1024);
  expect(asked[0]!.receiveBufferBytes).toBe(asked[1]!.receiveBufferBytes);
});
