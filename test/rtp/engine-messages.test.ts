/** What is said between the application's thread and a media thread for one call: counted, over real threads and sockets. */
import type { Worker, WorkerOptions } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import { MediaEngine } from '../../src/rtp/engine.js';

const { workers } = vi.hoisted(() => ({ workers: [] as Worker[] }));

vi.mock('../../src/rtp/engine-thread.js', async (importOriginal) => {
  const { startThread } = await importOriginal<typeof import('../../src/rtp/engine-thread.js')>();
  return {
    startThread: (options: WorkerOptions) => {
      const worker = startThread(options);
      workers.push(worker);
      return worker;
    },
  };
});

const HOST = '127.0.0.17';
const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The thread is a real one: it is asked until it has done it, and for ten seconds at most. */
const until = (done: () => boolean) => expect.poll(done, { interval: 5, timeout: 10_000 }).toBe(true);

test('a call is two messages: all that it needs to begin, on a socket bound before it came, and its end, which goes with the next where one comes', async () => {
  const engine = new MediaEngine({ threads: 1, host: HOST, ports: [18_000, 18_999] });
  await engine.ready();
  const [worker] = workers;
  const posted: { readonly type: string }[][] = [];
  const post = worker!.postMessage.bind(worker);
  worker!.postMessage = (commands: { readonly type: string }[]) => {
    posted.push(commands);
    post(commands);
  };
  let bound = 0;
  worker!.on('message', (reports: readonly { readonly type: string }[]) => {
    bound += reports.filter(({ type }) => type === 'bound').length;
  });
  const streams = () => engine.stats().threads[0]!.streams;
  const place = async () => {
    const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
    stream.configure({
      remote: { address: HOST, port: 9, rtcpPort: 9 },
      send: false,
      receive: true,
      codec: g711,
      accept: [g711],
      rtcpMux: true,
    });
    await turn();
    return stream;
  };
  (await place()).close(); // Before it nothing was bound.
  await until(() => streams() === 0 && bound === 2);
  for (let call = 0; call < 5; call++) {
    await until(() => bound >= 2);
    posted.length = 0;
    const stream = await place();
    expect(posted.map((commands) => commands.map(({ type }) => type).filter((type) => type !== 'bind'))).toEqual([['open', 'configure']]);
    expect(stream.local.address).toBe(HOST);
    stream.watch(1000);
    stream.close();
    await until(() => posted.length === 2);
    expect(posted.slice(1).map((commands) => commands.map(({ type }) => type))).toEqual([['close']]);
    await until(() => streams() === 0);
  }
  await until(() => bound >= 4);
  posted.length = 0;
  const first = await place();
  first.close();
  (await place()).close();
  expect(posted.map((commands) => commands.map(({ type }) => type).filter((type) => type !== 'bind'))).toEqual([
    ['open', 'configure'],
    ['close', 'open', 'configure'],
  ]);
  await until(() => streams() === 0);
  await engine.close();
  expect(engine.stats().ports.used).toBe(0);
});
