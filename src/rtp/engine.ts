/**
 * The engine: where streams come from. It lends ports, spreads streams over its threads, and when a thread dies ends the streams that
 * lived in it and lets a new one take the next. With `threads: 0` everything runs inline, over any clock and any network.
 */
import { availableParallelism } from 'node:os';
import { type Clock, systemClock, type Timer } from '../clock.js';
import { CallError, OptionError } from '../errors.js';
import { type Logger, silentLogger } from '../log.js';
import type { Network } from '../network.js';
import { type Random, systemRandom } from '../random.js';
import { BoundAhead } from './bound-ahead.js';
import { startThread } from './engine-thread.js';
import { Lateness } from './media-clock.js';
import { type HostCommand, type HostReport, MediaHost } from './media-host.js';
import { type FrameMs, MediaStream, type OpenStream, type SampleRate } from './media-stream.js';
import { type LinkThread, MediaThread } from './media-thread.js';
import { PortPool } from './port-pool.js';
import { systemDatagram } from './socket.js';
import { streamRooms } from './stream-rooms.js';

export interface EngineOptions {
  /** Media threads; 0 is inline. @default max(1, min(4, availableParallelism() - 1)), or 0 over an injected clock or network */
  readonly threads?: number;
  /** An even port for RTP and the odd one above it for RTCP are lent together. @default [10000, 20000] */
  readonly ports?: readonly [number, number];
  /** What sockets bind to. @default '0.0.0.0' */
  readonly host?: string;
  /** How long the ports of a call rest after it. @default 5000 */
  readonly quarantineMs?: number;
  /** The most audio that may be written ahead. @default 60000 */
  readonly maxQueueMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly network?: Pick<Network, 'datagram'>;
  readonly logger?: Logger;
}

export interface ThreadStats {
  readonly streams: number;
  /** How late packets left, in milliseconds after their moment; Infinity past 200. */
  readonly lateness: {
    readonly count: number;
    readonly p50: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
    /** 0.1 ms wide up to 10 ms, 1 ms wide up to 200 ms, and the rest; since the thread began. */
    readonly counts: Float64Array;
  };
  /** Stalls after which something was left out, and how much. */
  readonly skips: number;
  readonly skippedMs: number;
  /** Packets of silence sent because nothing was written. */
  readonly emptySlots: number;
}

export interface EngineStats {
  readonly threads: readonly ThreadStats[];
  readonly ports: { readonly free: number; readonly used: number; readonly resting: number };
}

/** Ports of others in our range: so many are tried before a call is refused. */
const BIND_ATTEMPTS = 16;

const SAMPLE_RATES: readonly number[] = [8000, 16_000, 24_000, 48_000] satisfies readonly SampleRate[];
const FRAMES_MS: readonly number[] = [10, 20, 30, 40, 60] satisfies readonly FrameMs[];

export class MediaEngine {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #host: string;
  readonly #maxQueueMs: number;
  readonly #ports: PortPool;
  readonly #pairs: number;
  readonly #link: LinkThread;
  readonly #threads: (MediaThread | undefined)[];
  readonly #streams = new Set<MediaStream>();
  #closed = false;

  constructor(options: EngineOptions = {}) {
    const isInjected = options.clock !== undefined || options.network !== undefined;
    const threads = options.threads ?? (isInjected ? 0 : Math.max(1, Math.min(4, availableParallelism() - 1)));
    if (!Number.isInteger(threads) || threads < 0 || threads > 64) throw new OptionError('threads', '0 to 64');
    if (threads > 0 && isInjected)
      throw new OptionError('threads', '0 with a clock or a network of your own: they do not reach into a thread');
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#logger = options.logger ?? silentLogger;
    this.#host = options.host ?? '0.0.0.0';
    this.#maxQueueMs = options.maxQueueMs ?? 60_000;
    if (!(this.#maxQueueMs >= 100 && this.#maxQueueMs <= 3_600_000)) throw new OptionError('maxQueueMs', '100 to 3600000');
    this.#ports = new PortPool(options.ports ?? [10_000, 20_000], options.quarantineMs ?? 5000, this.#random);
    this.#pairs = this.#ports.free;
    const network = options.network;
    this.#link = threads === 0 ? this.#inline(network?.datagram.bind(network) ?? systemDatagram) : linkWorker;
    this.#threads = new Array<MediaThread | undefined>(Math.max(1, threads)).fill(undefined);
  }

  /** Starts the threads; otherwise the first call waits for one. */
  async ready(): Promise<void> {
    await Promise.all(this.#threads.map((_, index) => this.#thread(index).ready()));
  }

  /** Lends a pair of ports and binds the even one. Fails for this call alone. */
  async open(options: OpenStream): Promise<MediaStream> {
    if (this.#closed) throw stopped();
    if (!SAMPLE_RATES.includes(options.sampleRate)) throw new OptionError('sampleRate', SAMPLE_RATES.join(', '));
    if (!FRAMES_MS.includes(options.frameMs)) throw new OptionError('frameMs', FRAMES_MS.join(', '));
    const host = options.host ?? this.#host;
    const thread = this.#quietest();
    const bound = host === this.#host ? thread.ahead?.take() : undefined;
    if (bound !== undefined) {
      this.#ports.useReserved();
      const stream = this.#make(options, thread, bound.port);
      stream.start(host, bound);
      this.#streams.add(stream);
      return stream;
    }
    for (let attempt = 1; ; attempt++) {
      const port = this.#ports.take(this.#clock.now());
      if (port === undefined) throw new CallError('ERR_PORTS', 503, 'no media port is free', this.#portsMessage());
      const stream = this.#make(options, this.#quietest(), port);
      try {
        await stream.open(host, port);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        stream.discard();
        if (this.#closed) throw stopped();
        if ((code === 'EADDRINUSE' || code === 'EACCES') && attempt < BIND_ATTEMPTS) continue;
        this.#logger.warn({ host, port, code }, 'a media port could not be bound');
        throw new CallError('ERR_MEDIA', 500, 'no media port could be bound', `${host}:${port}: ${message}`, { cause: error });
      }
      if (this.#closed) {
        stream.close();
        throw stopped();
      }
      this.#streams.add(stream);
      return stream;
    }
  }

  #make(options: OpenStream, thread: MediaThread, port: number): MediaStream {
    const stream: MediaStream = new MediaStream({
      sampleRate: options.sampleRate,
      frameMs: options.frameMs,
      cname: options.cname,
      thread,
      maxQueueMs: this.#maxQueueMs,
      random: this.#random,
      onClosed: () => {
        this.#streams.delete(stream);
        this.#ports.giveBack(port, this.#clock.now());
      },
    });
    return stream;
  }

  stats(): EngineStats {
    const threads = this.#threads.flatMap((thread) => (thread === undefined ? [] : [threadStats(thread)]));
    return { threads, ports: { free: this.#ports.free, used: this.#ports.used, resting: this.#ports.resting } };
  }

  /** Ends every stream, then the threads. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const stream of [...this.#streams]) this.#closeStream(stream);
    const threads = this.#threads.splice(0, this.#threads.length);
    await Promise.all(threads.map((thread) => thread?.stop()));
  }

  /** What the application throws when it is told does not keep the others open. */
  #closeStream(stream: MediaStream): void {
    try {
      stream.close();
    } catch (error) {
      this.#logger.error({ error }, 'a listener failed when its stream was closed');
    }
  }

  #thread(index: number): MediaThread {
    const thread = this.#threads[index];
    if (thread !== undefined && !thread.isLost) return thread;
    if (thread !== undefined) this.#logger.error({ thread: index }, 'a media thread was lost; another takes its place');
    const fresh = new MediaThread(this.#pairs, this.#link);
    if (this.#link === linkWorker)
      fresh.ahead = new BoundAhead({
        reserve: () => this.#ports.reserve(this.#clock.now()),
        release: (port) => this.#ports.giveBackReserved(port, this.#clock.now()),
        bind: (ports) => fresh.post({ type: 'bind', host: this.#host, ports }),
      });
    this.#threads[index] = fresh;
    return fresh;
  }

  #quietest(): MediaThread {
    let best = this.#thread(0);
    for (let index = 1; index < this.#threads.length; index++) {
      const thread = this.#thread(index);
      if (thread.streams < best.streams) best = thread;
    }
    return best;
  }

  #portsMessage(): string {
    return `no media port is free: ${this.#ports.used} pairs are in use; widen rtpPorts`;
  }

  #inline(datagram: Network['datagram']): LinkThread {
    return ({ ready, counts }, { onReport }) => {
      const host = new MediaHost({
        clock: this.#clock,
        random: this.#random,
        datagram,
        rooms: streamRooms,
        ready,
        counts,
        report: onReport,
      });
      return {
        ready: Promise.resolve(),
        post: (command) => host.onCommand(command),
        stop: async () => host.close(),
        hold: () => {},
      };
    };
  }
}

/** What dgram leaves behind for each packet dies at once, and as much again beside the heap: the nursery is memory that only waits. A larger one saves a hundredth of the CPU. */
const YOUNG_MB = 4;

/** Half a packet. */
const ENDS_WITHIN_MS = 10;

const linkWorker: LinkThread = (memory, { onReport, onLost }) => {
  const worker = startThread({ workerData: memory, name: 'sipbot-media', resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
  // Threads without a call do not keep the process alive, once they have started.
  let holders = 1;
  const hold = (change: number): void => {
    if (holders === 0) worker.ref();
    holders += change;
    if (holders === 0) worker.unref();
  };
  const ready = new Promise<void>((resolve, reject) => worker.once('online', resolve).once('error', reject));
  ready.then(
    () => hold(-1),
    () => hold(-1), // Said to whoever waits for it, and by `onLost`.
  );
  worker.on('message', (reports: readonly HostReport[]) => {
    for (const report of reports) onReport(report);
  });
  let commands: HostCommand[] = [];
  let soon: NodeJS.Immediate | undefined;
  let late: Timer | undefined;
  const flush = (): void => {
    clearImmediate(soon);
    late?.cancel();
    soon = late = undefined;
    if (commands.length > 0) worker.postMessage(commands);
    commands = [];
  };
  worker.on('error', onLost);
  worker.on('exit', (code) => onLost(new Error(`the thread ended with code ${code}`)));
  return {
    ready,
    hold,
    post: (command) => {
      commands.push(command);
      // A stream does nothing until it is configured: that it begins goes with that. Its end goes with whatever is said next: nothing is left to be
      // heard. All else goes at once, lest the application block its thread.
      if (command.type === 'close') late ??= systemClock.at(systemClock.now() + ENDS_WITHIN_MS, flush);
      else if (command.type === 'open' || command.type === 'bind') soon ??= setImmediate(flush);
      else flush();
    },
    stop: async () => {
      const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      hold(1);
      flush();
      worker.postMessage('stop');
      await gone;
    },
  };
};

function threadStats(thread: MediaThread): ThreadStats {
  const { skips, skippedMs, emptySlots, lateness } = thread.counts;
  let count = 0;
  for (const bucket of lateness) count += bucket;
  return {
    streams: thread.streams,
    lateness: {
      count,
      p50: Lateness.quantile(lateness, 0.5),
      p99: Lateness.quantile(lateness, 0.99),
      p999: Lateness.quantile(lateness, 0.999),
      max: Lateness.quantile(lateness, 1),
      counts: lateness.slice(),
    },
    skips,
    skippedMs,
    emptySlots,
  };
}

function stopped(): CallError {
  return new CallError('ERR_STOPPED', 0, 'the engine is closed');
}
