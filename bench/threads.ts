/**
 * How many streams one media thread carries, and two, until they are late. `npm run bench -- threads [--threads 1,2] [--step 200] [--limit 5] [--seconds 5]`
 *
 * The streams send to each other in pairs within one process, each hears and speaks, and the application only writes sound ahead once a second: there is
 * no generator that would take a core away, so that two cores can be compared with one. A stream is a packet out and a
 * packet in every 20 ms, as an echo call is. `--limit`: p99 of the departures, ms. Not pinned: the system moves threads as it likes.
 */
import { parseArgs } from 'node:util';
import { MediaEngine } from '../src/rtp/engine.js';
import { Lateness } from '../src/rtp/media-clock.js';
import type { MediaStream } from '../src/rtp/media-stream.js';
import { askForPriority } from '../test/interop/peers/process.js';
import { save, Table } from './report.js';

const HOST = '127.0.0.1';
const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;
const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '1,2' },
    step: { type: 'string', default: '200' },
    limit: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
  },
});
const second = Int16Array.from({ length: 8000 }, (_, i) => 8000 * Math.sin(i / 9));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Row {
  readonly threads: number;
  readonly streams: number;
  readonly core: number;
  readonly p99: number;
  readonly p999: number;
}

async function openPairs(engine: MediaEngine, count: number): Promise<MediaStream[]> {
  const streams: MediaStream[] = [];
  for (let i = 0; i < count; i++) streams.push(await engine.open({ sampleRate: 8000, frameMs: 20 }));
  for (const [i, stream] of streams.entries()) {
    const { port } = streams[i ^ 1]!.local;
    stream.configure({
      remote: { address: HOST, port, rtcpPort: port },
      send: true,
      receive: true,
      codec: g711,
      accept: [g711],
      rtcpMux: true,
    });
  }
  return streams;
}

async function measure(threads: number, count: number): Promise<Row> {
  const engine = new MediaEngine({ threads, host: HOST, ports: [10_000, 10_000 + 2 * count + 100] });
  await engine.ready();
  const streams = await openPairs(engine, count);
  const speak = (): void => {
    for (const stream of streams) stream.outgoing.write(second);
  };
  speak();
  const speaking = setInterval(speak, 1000);
  await sleep(2000);
  const counts = (): Float64Array[] => engine.stats().threads.map(({ lateness }) => lateness.counts);
  const before = counts();
  const cpu = process.cpuUsage();
  const from = performance.now();
  await sleep(1000 * Number(values.seconds));
  const { user, system } = process.cpuUsage(cpu);
  const core = (user + system) / 10 / (performance.now() - from);
  const late = new Float64Array(Lateness.buckets);
  for (const [thread, now] of counts().entries()) for (const [i, value] of now.entries()) late[i]! += value - before[thread]![i]!;
  clearInterval(speaking);
  for (const stream of streams) stream.close();
  await engine.close();
  return { threads, streams: count, core, p99: Lateness.quantile(late, 0.99), p999: Lateness.quantile(late, 0.999) };
}

askForPriority();
const rows: Row[] = [];
const most = new Map<number, number>();
const table = new Table(['threads', 'streams', 'core %', 'late p99 ms', 'p99.9 ms']);
for (const threads of values.threads.split(',').map(Number)) {
  for (let streams = Number(values.step); ; streams += Number(values.step)) {
    const row = await measure(threads, streams);
    rows.push(row);
    table.row([threads, streams, row.core.toFixed(0), row.p99.toFixed(1), row.p999.toFixed(1)]);
    if (row.p99 > Number(values.limit)) break;
    most.set(threads, streams);
  }
}
for (const [threads, streams] of most) console.log(`${threads} media threads: ${streams} streams with p99 up to ${values.limit} ms`);
save('threads', { rows, most: Object.fromEntries(most), limitMs: Number(values.limit) });
process.exit(0);
