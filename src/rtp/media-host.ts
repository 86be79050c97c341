/**
 * The streams of one thread: their clock, their sockets, and the commands that come for them. The same host runs in a worker thread
 * (engine-worker) and inline, on the application's own thread; it says what happens through one outlet.
 */
import type { Clock } from '../clock.js';
import { isOpusLoaded, loadOpus } from '../codec/opus-library.js';
import type { DatagramOptions, DatagramSocket } from '../network.js';
import type { Random } from '../random.js';
import { Lateness, MediaClock } from './media-clock.js';
import { type CapturedPacket, PacketCapture } from './packet-capture.js';
import type { PlayoutSegment } from './playout-memory.js';
import { ReadyQueue } from './ready-queue.js';
import { Stream, type StreamNews, type StreamRooms } from './stream.js';
import type { StreamParameters } from './stream-parameters.js';

export interface OpenCommand {
  readonly type: 'open';
  readonly stream: number;
  readonly host: string;
  /** The even port of the pair. */
  readonly port: number;
  readonly memory: SharedArrayBuffer;
  readonly sampleRate: number;
  readonly frameMs: number;
  readonly cname: string;
}

/** Sockets for calls to come. */
export interface BindCommand {
  readonly type: 'bind';
  readonly host: string;
  readonly ports: readonly number[];
}

export interface DtmfCommand {
  readonly type: 'dtmf';
  readonly stream: number;
  readonly request: number;
  readonly digits: string;
  readonly durationMs: number;
  readonly gapMs: number;
}

export type HostCommand =
  | OpenCommand
  | BindCommand
  | { readonly type: 'configure'; readonly stream: number; readonly parameters: StreamParameters }
  | { readonly type: 'extend'; readonly stream: number; readonly lane: 'outgoing' | 'background'; readonly segment: PlayoutSegment }
  | { readonly type: 'background'; readonly stream: number; readonly memory: SharedArrayBuffer }
  | { readonly type: 'tap'; readonly stream: number; readonly memory: SharedArrayBuffer }
  | DtmfCommand
  | { readonly type: 'capture'; readonly stream: number; readonly mode: 'on' | 'off' }
  | { readonly type: 'close'; readonly stream: number };

export type HostReport =
  | { readonly type: 'opened'; readonly stream: number; readonly address: string; readonly port: number }
  | { readonly type: 'bound'; readonly address: string; readonly port: number }
  | { readonly type: 'unbound'; readonly port: number }
  | { readonly type: 'refused'; readonly stream: number; readonly code: string; readonly message: string }
  | { readonly type: 'news'; readonly stream: number; readonly news: StreamNews }
  | { readonly type: 'dtmfSent'; readonly stream: number; readonly request: number }
  | { readonly type: 'packet'; readonly stream: number; readonly packet: CapturedPacket }
  | { readonly type: 'failed'; readonly stream: number; readonly message: string }
  /** The last that is said of it: the number may be given to another. */
  | { readonly type: 'closed'; readonly stream: number }
  | { readonly type: 'wake' };

/** What arrives at a call's port while its thread is not at it; 1260 packets of G.711 where the system allows it, 512 where its limit is Linux's own. */
const RECEIVE_BUFFER_BYTES = 524_288;

const THREAD_WORDS = 3;
const SKIPS = 0;
const SKIPPED_SLOTS = 1;
const EMPTY_SLOTS = 2;

/** Per thread, in shared memory: how late its departures were, what it skipped, and how often a stream had nothing to say. */
export function threadMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer((THREAD_WORDS + Lateness.buckets) * 8);
}

export interface ThreadCounts {
  readonly skips: number;
  readonly skippedMs: number;
  readonly emptySlots: number;
  readonly lateness: Float64Array;
}

export function readThreadMemory(memory: SharedArrayBuffer, slotMs: number): ThreadCounts {
  const words = new Float64Array(memory);
  return {
    skips: words[SKIPS]!,
    skippedMs: words[SKIPPED_SLOTS]! * slotMs,
    emptySlots: words[EMPTY_SLOTS]!,
    lateness: words.subarray(THREAD_WORDS),
  };
}

export interface MediaHostOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly datagram: (options: DatagramOptions) => Promise<DatagramSocket>;
  readonly rooms: StreamRooms;
  /** `readyQueueMemory`, made by the other side. */
  readonly ready: SharedArrayBuffer;
  /** `threadMemory`, made by the other side. */
  readonly counts: SharedArrayBuffer;
  readonly report: (report: HostReport) => void;
}

export class MediaHost {
  readonly #options: MediaHostOptions;
  readonly #wheel: MediaClock;
  readonly #words: Float64Array;
  readonly #ready: ReadyQueue;
  readonly #streams = new Map<number, Stream>();
  readonly #captures = new Map<number, PacketCapture>();
  /** Bound ahead of their calls, by port; undefined while it is being bound. */
  readonly #ahead = new Map<number, DatagramSocket | undefined>();
  /** Closed before their socket was bound. */
  readonly #unwanted = new Set<number>();
  readonly #opening = new Set<number>();
  /** Configured with a codec that is still being loaded, and the keys pressed meanwhile: how they go out is in the parameters. */
  readonly #waiting = new Map<number, { readonly parameters: StreamParameters; readonly keys: DtmfCommand[] }>();

  constructor(options: MediaHostOptions) {
    this.#options = options;
    this.#ready = new ReadyQueue(options.ready);
    const words = new Float64Array(options.counts);
    this.#words = words;
    this.#wheel = new MediaClock({
      clock: options.clock,
      lateness: new Lateness(words.subarray(THREAD_WORDS)),
      onSlotDone: this.#wake,
      onSkip: (slots) => {
        words[SKIPS]!++;
        words[SKIPPED_SLOTS]! += slots;
      },
    });
  }

  onCommand(command: HostCommand): void {
    switch (command.type) {
      case 'open':
        this.#open(command);
        return;
      case 'bind':
        for (const port of command.ports) this.#bind(command.host, port);
        return;
      case 'configure':
        this.#configure(command.stream, command.parameters);
        return;
      case 'extend':
        this.#streams.get(command.stream)?.extend(command.lane, command.segment);
        return;
      case 'background':
        this.#streams.get(command.stream)?.addBackground(command.memory);
        return;
      case 'tap':
        this.#streams.get(command.stream)?.addTap(command.memory);
        return;
      case 'capture':
        this.#switchCapture(command.stream, command.mode);
        return;
      case 'dtmf':
        this.#sendDtmf(command);
        return;
      case 'close':
        this.#close(command.stream);
        return;
    }
  }

  close(): void {
    for (const stream of [...this.#streams.keys()]) this.#close(stream);
    for (const stream of this.#opening) this.#unwanted.add(stream);
    for (const socket of this.#ahead.values()) socket?.close();
    this.#ahead.clear();
    this.#wheel.stop();
  }

  readonly #wake = (): void => {
    if (this.#ready.tell()) this.#options.report({ type: 'wake' });
  };

  readonly #onEmptySlot = (): void => {
    this.#words[EMPTY_SLOTS]!++;
  };

  #open(command: OpenCommand): void {
    const { stream: number, host, port } = command;
    const { datagram, report } = this.#options;
    const ready = this.#ahead.get(port);
    if (ready !== undefined) {
      // Whoever opens it has been told where it is.
      this.#ahead.delete(port);
      this.#streams.set(number, this.#make(command, ready));
      return;
    }
    this.#opening.add(number);
    datagram({ host, port, receiveBufferBytes: RECEIVE_BUFFER_BYTES }).then(
      (socket) => {
        this.#opening.delete(number);
        if (this.#unwanted.delete(number)) {
          socket.close();
          report({ type: 'closed', stream: number });
          return;
        }
        this.#streams.set(number, this.#make(command, socket));
        report({ type: 'opened', stream: number, address: socket.local.address, port: socket.local.port });
      },
      (error: NodeJS.ErrnoException) => {
        this.#opening.delete(number);
        this.#unwanted.delete(number);
        report({ type: 'refused', stream: number, code: error.code ?? 'EUNKNOWN', message: error.message });
      },
    );
  }

  #bind(host: string, port: number): void {
    const { datagram, report } = this.#options;
    this.#ahead.set(port, undefined);
    datagram({ host, port, receiveBufferBytes: RECEIVE_BUFFER_BYTES }).then(
      (socket) => {
        if (!this.#ahead.has(port)) {
          socket.close();
          return;
        }
        this.#ahead.set(port, socket);
        report({ type: 'bound', address: socket.local.address, port });
      },
      () => {
        if (this.#ahead.delete(port)) report({ type: 'unbound', port });
      },
    );
  }

  /** Opus is looked for when the first call speaks it. */
  #configure(number: number, parameters: StreamParameters): void {
    const keys = this.#waiting.get(number)?.keys ?? [];
    this.#waiting.delete(number);
    const needsOpus = [parameters.codec, ...parameters.accept].some((format) => format.codec === 'opus');
    if (!needsOpus || isOpusLoaded()) {
      this.#streams.get(number)?.configure(parameters);
      for (const command of keys) this.#sendDtmf(command);
      return;
    }
    this.#waiting.set(number, { parameters, keys });
    loadOpus().then(
      () => {
        if (this.#waiting.get(number)?.parameters === parameters) this.#configure(number, parameters);
      },
      (error: Error) => {
        if (this.#waiting.delete(number)) this.#options.report({ type: 'failed', stream: number, message: error.message });
      },
    );
  }

  #sendDtmf(command: DtmfCommand): void {
    const { stream, request, digits, durationMs, gapMs } = command;
    const waiting = this.#waiting.get(stream);
    if (waiting === undefined) this.#streams.get(stream)?.sendDtmf(request, digits, durationMs, gapMs);
    else waiting.keys.push(command);
  }

  #make(command: OpenCommand, socket: DatagramSocket): Stream {
    const { stream: number, host, port, memory, sampleRate, frameMs, cname } = command;
    const { clock, random, rooms, datagram, report } = this.#options;
    const capture = new PacketCapture(clock);
    this.#captures.set(number, capture);
    return new Stream({
      clock,
      random,
      rooms,
      socket: capture.around(socket),
      memory,
      sampleRate,
      frameMs,
      cname,
      wheel: this.#wheel,
      openRtcp: async () => capture.around(await datagram({ host, port: port + 1 })),
      onNews: (news) => report({ type: 'news', stream: number, news }),
      onDtmfSent: (request) => report({ type: 'dtmfSent', stream: number, request }),
      onReady: () => this.#ready.push(number),
      onEmptySlot: this.#onEmptySlot,
      onFailed: (error) => report({ type: 'failed', stream: number, message: error.message }),
    });
  }

  /** Each packet is copied and reported: a cost of whoever asked for it. */
  #switchCapture(number: number, mode: 'on' | 'off'): void {
    const capture = this.#captures.get(number);
    if (capture === undefined) return;
    const { report } = this.#options;
    capture.onPacket = mode === 'off' ? undefined : (packet) => report({ type: 'packet', stream: number, packet });
  }

  #close(number: number): void {
    const stream = this.#streams.get(number);
    if (stream === undefined) {
      if (this.#opening.has(number)) this.#unwanted.add(number);
      return;
    }
    this.#streams.delete(number);
    this.#captures.delete(number);
    this.#waiting.delete(number);
    stream.close();
    this.#options.report({ type: 'closed', stream: number });
  }
}
