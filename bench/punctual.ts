/**
 * Whose clock the audio follows. `npm run bench -- punctual [--streams 50] [--seconds 20] [--minutes 10]`
 *
 * First, audio queued ahead while the application blocks its thread 200 ms out of every 500: how late packets leave with a media thread,
 * with and without the blocking, and inline. Then, with --minutes, one stream against CLOCK_MONOTONIC for that long: its drift.
 */
import { createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { MediaEngine } from '../src/rtp/engine.js';
import type { MediaStream } from '../src/rtp/media-stream.js';

const HOST = '127.0.0.1';
const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;

export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      streams: { type: 'string', default: '50' },
      seconds: { type: 'string', default: '20' },
      minutes: { type: 'string', default: '0' },
    },
  });
  const [streams, seconds, minutes] = [Number(values.streams), Number(values.seconds), Number(values.minutes)];
  if (seconds > 0) {
    console.log(`${streams} streams, audio queued ahead, ${seconds} s; lateness of departures in ms`);
    for (const [threads, blocked] of [
      [1, false],
      [1, true],
      [0, false],
      [0, true],
    ] as const)
      await blocking(threads, blocked, streams, seconds);
  }
  if (minutes > 0) await drift(minutes);
}

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

async function blocking(threads: number, blocked: boolean, count: number, seconds: number): Promise<void> {
  const sink = createSocket('udp4');
  await new Promise<void>((resolve) => sink.bind(0, HOST, resolve));
  const engine = new MediaEngine({ threads, host: HOST });
  await engine.ready();
  const streams: MediaStream[] = [];
  for (let i = 0; i < count; i++) streams.push(await open(engine, sink.address().port));
  for (const stream of streams) stream.outgoing.write(new Int16Array(8000 * (seconds + 5)).fill(1000));
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    if (blocked) spin(200);
    await new Promise((resolve) => setTimeout(resolve, blocked ? 300 : 500));
  }
  const [thread] = engine.stats().threads;
  const { p50, p99, p999, max, count: departures } = thread!.lateness;
  const row = [p50, p99, p999, max].map((ms) => ms.toFixed(1).padStart(8)).join('');
  const how = `threads ${threads}, ${blocked ? 'blocked 200 of 500 ms' : 'not blocked'}`;
  console.log(`${how.padEnd(36)} p50 p99 p99.9 max ${row}   ${departures} sent, ${thread!.skippedMs} ms skipped`);
  for (const stream of streams) stream.close();
  await engine.close();
  sink.close();
}

/** The receiver stands in a thread of its own, so that it is punctual itself; the earliest of each second is what counts. */
async function drift(minutes: number): Promise<void> {
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
  console.log(
    `${minutes} minutes against CLOCK_MONOTONIC: drift ${driftMs.toFixed(3)} ms, ${((driftMs / (60_000 * minutes - 10_000)) * 1e6).toFixed(2)} ppm`,
  );
  await engine.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run(process.argv.slice(2));
