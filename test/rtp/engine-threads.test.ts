import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MediaEngine } from '../../src/rtp/engine.js';
import { parseRtp, writeRtp } from '../../src/rtp/header.js';
import type { MediaStream, StreamEvent } from '../../src/rtp/media-stream.js';

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
const closing: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function peerSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  closing.push(() => socket.close());
  return socket;
}

function makeEngine(threads: number): MediaEngine {
  const engine = new MediaEngine({ threads, host: HOST, ports: [17_000, 17_999] });
  closing.push(() => engine.close());
  return engine;
}

async function call(engine: MediaEngine, peer: Socket): Promise<MediaStream> {
  const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
  const { port } = peer.address();
  stream.configure({
    remote: { address: HOST, port, rtcpPort: port + 1 },
    send: true,
    receive: true,
    codec: g711,
    accept: [g711],
    rtcpMux: true,
  });
  return stream;
}

/** Blocks this thread, as a busy application would. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function talk(socket: Socket, stream: MediaStream): void {
  const packet = Buffer.alloc(172, 0x20);
  let sequence = 0;
  const timer = setInterval(() => {
    writeRtp(packet, { payloadType: 0, marker: false, sequence: sequence & 0xffff, timestamp: 160 * sequence, ssrc: 77 });
    sequence++;
    socket.send(Buffer.from(packet), stream.local.port, HOST);
  }, 20);
  closing.push(() => clearInterval(timer));
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe.each([1, 0])('engine over real sockets, threads: %i', (threads) => {
  test('an echo bot answers, with what it heard', async () => {
    const peer = await peerSocket();
    const engine = makeEngine(threads);
    await engine.ready();
    const stream = await call(engine, peer);
    const cursor = stream.incoming.cursor();
    stream.onFrames = () => {
      for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) stream.outgoing.write(frame);
    };
    let echoed = 0;
    peer.on('message', (bytes) => {
      if (bytes[100] === 0x20) echoed++;
    });
    talk(peer, stream);
    await until(() => echoed >= 10);
    await until(() => stream.stats().receivedPackets >= 10);
    expect(engine.stats().threads[0]!.streams).toBe(1);
  });

  test('marks, DTMF requests and closing cross the thread', async () => {
    const peer = await peerSocket();
    const engine = makeEngine(threads);
    const stream = await call(engine, peer);
    const marks: string[] = [];
    stream.outgoing.onMark = (name, outcome) => marks.push(`${name} ${outcome}`);
    stream.outgoing.write(new Int16Array(400));
    stream.outgoing.mark('a');
    await stream.outgoing.drained();
    expect(marks).toEqual(['a sent']);
    stream.outgoing.write(new Int16Array(80_000));
    stream.close();
    await until(() => engine.stats().threads[0]!.streams === 0);
    expect(engine.stats().ports.resting).toBe(1);
  });
});

describe('media threads', () => {
  // A bot dialled, got its answer, and pressed keys at once: they went out as tones, for the thread was still looking for Opus.
  test('RFC 4733 keys pressed while a codec is being loaded go out as what was agreed', async () => {
    const peer = await peerSocket();
    const stream = await makeEngine(1).open({ sampleRate: 8000, frameMs: 20 });
    const { port } = peer.address();
    const events: number[] = [];
    peer.on('message', (bytes) => {
      const header = parseRtp(bytes)!;
      if (header.payloadType === 101 && header.marker) events.push(bytes[header.payloadOffset]!);
    });
    stream.configure({
      remote: { address: HOST, port, rtcpPort: port + 1 },
      send: true,
      receive: true,
      codec: g711,
      accept: [{ payloadType: 111, codec: 'opus', ptimeMs: 20 }, g711],
      telephoneEvent: { sendPayloadType: 101, receivePayloadTypes: [101], clockRate: 8000 },
      rtcpMux: true,
    });
    await stream.sendDtmf('4#');
    await until(() => events.length === 2);
    expect(events).toEqual([4, 11]);
  });

  test('audio written ahead leaves on time while the application blocks its thread', async () => {
    const peer = await peerSocket();
    const engine = makeEngine(1);
    const stream = await call(engine, peer);
    await once(peer, 'message');
    stream.outgoing.write(new Int16Array(16_000).fill(5000));
    block(700);
    expect(stream.outgoing.playedSamples).toBeGreaterThanOrEqual(160 * 33);
    const { playedSamples } = stream.outgoing.clear();
    expect(playedSamples).toBeLessThan(160 * 42);
    expect(engine.stats().threads[0]!.skips).toBe(0);
  });

  test.runIf(process.platform === 'linux')('a media thread comes before the application, where the system allows it', async () => {
    const child = spawn('sleep', ['60']);
    closing.push(() => child.kill());
    // Of a process that somebody has put forward already, too.
    const before = getPriority();
    const own = Math.max(constants.priority.PRIORITY_HIGHEST, before - 3);
    const first = Math.max(constants.priority.PRIORITY_HIGHEST, own + constants.priority.PRIORITY_ABOVE_NORMAL);
    let isAllowed = true;
    try {
      setPriority(child.pid!, first);
      setPriority(own);
    } catch {
      isAllowed = false;
    }
    closing.push(() => setPriority(before));
    await makeEngine(1).open({ sampleRate: 8000, frameMs: 20 });
    const tasks = readdirSync('/proc/self/task').map((task) => readFileSync(`/proc/self/task/${task}/stat`, 'utf8'));
    const nice = tasks.map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]));
    expect(nice.filter((value) => value === first)).toHaveLength(isAllowed ? 1 : 0);
  });

  test('streams spread over the threads', async () => {
    const peer = await peerSocket();
    const engine = makeEngine(2);
    await Promise.all([1, 2, 3, 4].map(() => call(engine, peer)));
    expect(engine.stats().threads.map((thread) => thread.streams)).toEqual([2, 2]);
  });

  test('a crashed thread ends its streams with an event, and a new thread takes the next', async () => {
    const peer = await peerSocket();
    const engine = makeEngine(1);
    const stream = await call(engine, peer);
    const events: StreamEvent[] = [];
    stream.onEvent = (event) => events.push(event);
    stream.outgoing.write(new Int16Array(16_000));
    const drained = stream.outgoing.drained();
    await workers.at(-1)!.terminate();
    await drained;
    expect(events).toEqual([{ type: 'failed', error: expect.objectContaining({ code: 'ERR_MEDIA' }) }]);
    expect(stream.closed).toBe(true);
    const next = await call(engine, peer);
    peer.removeAllListeners();
    const [bytes] = await once(peer, 'message');
    expect(parseRtp(bytes)?.payloadLength).toBe(160);
    expect(next.closed).toBe(false);
  });

  test('an idle engine does not keep the process alive, and closes while a call is being opened', async () => {
    const engine = makeEngine(1);
    const opening = engine.open({ sampleRate: 8000, frameMs: 20 });
    const refused = expect(opening).rejects.toMatchObject({ code: 'ERR_STOPPED' });
    await engine.close();
    await refused;
  });
});
