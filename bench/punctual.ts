/**
 * Whose clock the audio follows. `npm run bench -- punctual [--streams 50] [--seconds 20] [--blocks 200/500,100/300] [--minutes 10]`
 *
 * First, audio queued ahead while the application blocks its thread, 200 ms of every 500 for one: how late packets leave with a media thread, with
 * and without the blocking, and inline. Then, with --minutes, one stream against CLOCK_MONOTONIC for that long: its drift.
 */
import { createSocket } from 'node:dgram';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { MediaEngine } from '../src/rtp/engine.js';
import type { MediaStream } from '../src/rtp/media-stream.js';
import { askForPriority } from '../test/interop/peers/process.js';
import { save, Table } from './report.js';

const HOST = '127.0.0.1';
const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;

/** So many milliseconds of every so many; none, when it does not block. */
interface Blocking {
  readonly busyMs: number;
  readonly everyMs: number;
}

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
    blocks: { type: 'string', default: '200/500,100/300' },
    minutes: { type: 'string', default: '0' },
  },
});

async function open(engine: MediaEngine, port: number): Promise<MediaStream> {
  const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
  stream.configure({
    remote: { address: HOST, port, rtcpPort: port },
    send: true,
    receive: true,
    codec: g711,
    accept: [g711],
    rtcpMux: true,
  });
  return stream;
}

/** Nothing else runs on this thread meanwhile. */
function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

async function departures(threads: number, { busyMs, everyMs }: Blocking, count: number, seconds: number): Promise<(string | number)[]> {
  const sink = createSocket('udp4');
  await new Promise<void>((resolve) => sink.bind(0, HOST, resolve));
  const engine = new MediaEngine({ threads, host: HOST });
  await engine.ready();
  const streams: MediaStream[] = [];
  for (let i = 0; i < count; i++) streams.push(await open(engine, sink.address().port));
  for (const stream of streams) stream.outgoing.write(new Int16Array(8000 * (seconds + 5)).fill(1000));
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    spin(busyMs);
    await new Promise((resolve) => setTimeout(resolve, everyMs - busyMs));
  }
  const { lateness, skippedMs } = engine.stats().threads[0]!;
  const emptySlots = streams.reduce((sum, stream) => sum + stream.stats().sentEmptySlots, 0);
  for (const stream of streams) stream.close();
  await engine.close();
  sink.close();
  const { p50, p99, p999, max, count: sent } = lateness;
  const how = busyMs === 0 ? 'not at all' : `${busyMs} of ${everyMs} ms`;
  return [threads, how, ...[p50, p99, p999, max].map((ms) => ms.toFixed(1)), sent, skippedMs, emptySlots];
}

/** The receiver stands in a thread of its own, so that it is punctual itself; the earliest of each second is what counts. */
async function drift(minutes: number): Promise<{ minutes: number; driftMs: number; ppm: number }> {
  const listener = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const socket = require('node:dgram').createSocket('udp4');
     let base, first, low = Infinity, start, earliest, latest;
     socket.on('message', (bytes) => {
       if (bytes.length !== 172) return;
       const at = Number(process.hrtime.bigint()) / 1e6;
       const timestamp = bytes.readUInt32BE(4);
       if (base === undefined) { base = at; first = timestamp; start = at; }
       const late = at - base - ((timestamp - first) >>> 0) / 8;
       if (late < low) low = late;
       if (at - start >= 10000) { earliest ??= low; latest = low; low = Infinity; start = at; }
     });
     socket.bind(0, '${HOST}', () => parentPort.postMessage(socket.address().port));
     parentPort.on('message', () => { parentPort.postMessage({ earliest, latest }); socket.close(); parentPort.close(); });`,
    { eval: true },
  );
  const next = <T>(): Promise<T> => new Promise((resolve) => listener.once('message', resolve));
  const engine = new MediaEngine({ threads: 1, host: HOST });
  await open(engine, await next<number>());
  await new Promise((resolve) => setTimeout(resolve, 60_000 * minutes));
  listener.postMessage('done');
  const { earliest, latest } = await next<{ earliest: number; latest: number }>();
  const driftMs = latest - earliest;
  await engine.close();
  return { minutes, driftMs, ppm: (driftMs / (60_000 * minutes - 10_000)) * 1e6 };
}

askForPriority();
const [streams, seconds, minutes] = [Number(values.streams), Number(values.seconds), Number(values.minutes)];
const heads = ['threads', 'blocked     ', 'late p50 ms', 'p99', 'p99.9', 'max', 'sent', 'skipped ms', 'empty slots'];
const rows: (string | number)[][] = [];
if (seconds > 0) {
  const blocks = values.blocks.split(',').map((text) => text.split('/').map(Number));
  const table = new Table(heads);
  for (const threads of [1, 0]) {
    for (const [busyMs = 0, everyMs = 500] of [[], ...blocks]) {
      rows.push(await departures(threads, { busyMs, everyMs }, streams, seconds));
      table.row(rows.at(-1)!);
    }
  }
}
const drifted = minutes > 0 ? await drift(minutes) : undefined;
if (drifted !== undefined) {
  console.log(`${minutes} minutes against CLOCK_MONOTONIC: drift ${drifted.driftMs.toFixed(3)} ms, ${drifted.ppm.toFixed(2)} ppm`);
}
save('punctual', { streams, seconds, heads, rows, drift: drifted });
