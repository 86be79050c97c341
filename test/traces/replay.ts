/** Plays a recorded trace to the agent: the peer's side as it was, on a clock turned by hand over a network of memory; ours is compared. */
import { SipBot } from '../../src/bot.js';
import type { ByteStream, DatagramSocket, SocketAddress } from '../../src/network.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { MemoryNetwork } from '../../src/testing/memory-network.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import type { Datagram } from '../../src/trace/pcap.js';
import { Actor } from './actor.js';
import { Drawn, retold } from './sameness.js';
import { isWire, type TraceFile, type WireEvent } from './trace-file.js';

export interface Replayed {
  /** Ours, in order: what was recorded, what was sent now, with drawn values as numbers. Equal, or the trace has failed. */
  readonly recorded: readonly string[];
  readonly sent: readonly string[];
  /** The same of what the application was told. */
  readonly recordedWords: readonly string[];
  readonly words: readonly string[];
  /** How far from its recorded moment a message of ours left, at most. */
  readonly latestMs: number;
  /** How much of their sound was heard, silence apart. */
  readonly heardMs: number;
}

/** So long may a message of ours be awaited past its moment, and so long may a machine have dawdled while it was recorded. */
const SLACK_MS = 1000;
const LOUD = 500;

/** `rtp`: what they sent, to be heard. */
export async function replay(trace: TraceFile, rtp: readonly Datagram[] = []): Promise<Replayed> {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock });
  const peer = new Peer(network, trace.events.filter(isWire), rtp);
  await peer.open();
  const bot = new SipBot({ ...trace.bot, clock, network, random: new SeededRandom(61) });
  const outbox: { readonly text: string; readonly atMs: number }[] = [];
  bot.on('trace', ({ direction, bytes }) => {
    if (direction === 'out') outbox.push({ text: Buffer.from(bytes).toString('latin1'), atMs: clock.now() });
  });
  const words: string[] = [];
  const actor = new Actor(bot, (told) => void words.push(told));
  const [theirs, ours] = [new Drawn(), new Drawn()];
  const recorded: string[] = [];
  const sent: string[] = [];
  let taken = 0;
  let latestMs = 0;
  let heardMs = 0;
  actor.onCall = (call) =>
    call.audio.on('frame', ({ source, samples }) => {
      if (source === 'heard' && samples.some((sample) => Math.abs(sample) > LOUD)) heardMs += (samples.length * 1000) / call.sampleRate;
    });
  const packets = [...rtp];
  /** What they said until then, to whatever port of ours stands for the recorded one. */
  const listenUntil = async (atMs: number): Promise<void> => {
    while (packets[0] !== undefined && packets[0].wall <= atMs) {
      const { wall, from, to, bytes } = packets.shift()!;
      await clock.run(Math.max(0, wall - clock.now()));
      peer.speak(from, { address: to.address, port: Number(ours.values[theirs.values.indexOf(String(to.port))] ?? to.port) }, bytes);
    }
  };
  try {
    for (const event of trace.events) {
      if (event.type === 'told') continue;
      await listenUntil(event.atMs);
      if (isWire(event) && event.type === 'out') {
        recorded.push(theirs.plain(event.text));
        await clock.runUntil(() => outbox.length > taken, Math.max(0, event.atMs - clock.now()) + SLACK_MS).catch(() => {});
        const message = outbox[taken];
        if (message === undefined) break;
        taken++;
        latestMs = Math.max(latestMs, Math.abs(message.atMs - event.atMs));
        sent.push(ours.plain(message.text));
        if (sent.at(-1) !== recorded.at(-1)) break;
        continue;
      }
      await clock.run(Math.max(0, event.atMs - clock.now()));
      if (!isWire(event)) actor.perform(event.words);
      else peer.send(event, retold(event.text, theirs, ours));
    }
    await listenUntil(Number.POSITIVE_INFINITY);
    await clock.run(50);
    // More than was recorded is as wrong as less.
    for (const { text } of outbox.slice(taken)) sent.push(ours.plain(text));
    return {
      recorded,
      sent,
      recordedWords: trace.events.flatMap((event) => (event.type === 'told' ? [event.words] : [])),
      words: [...words],
      latestMs,
      heardMs,
    };
  } finally {
    let isStopped = false;
    void bot.stop().finally(() => {
      isStopped = true;
    });
    await clock.runUntil(() => isStopped, 120_000);
    peer.close();
  }
}

/** Every address that the peers spoke from, and the connections between. */
class Peer {
  readonly #network: MemoryNetwork;
  readonly #events: readonly WireEvent[];
  readonly #rtp: readonly Datagram[];
  readonly #sockets = new Map<string, DatagramSocket>();
  readonly #streams = new Map<string, ByteStream>();
  readonly #listening = new Set<string>();
  readonly #closing: (() => void)[] = [];

  constructor(network: MemoryNetwork, events: readonly WireEvent[], rtp: readonly Datagram[]) {
    this.#network = network;
    this.#events = events;
    this.#rtp = rtp;
  }

  async open(): Promise<void> {
    for (const { from } of this.#rtp) await this.#bind(`${from.address}:${from.port}`);
    for (const { transport, remote } of this.#events) {
      const { address, port } = endpoint(remote);
      if (transport === 'udp') {
        await this.#bind(remote);
      } else if (!this.#listening.has(remote)) {
        const listener = await this.#network.listen({ host: address, port }, (stream) => {
          stream.onBytes = () => {};
          this.#streams.set(remote, stream);
        });
        this.#listening.add(remote);
        this.#closing.push(() => listener.close());
      }
    }
  }

  async #bind(at: string): Promise<void> {
    if (this.#sockets.has(at)) return;
    const { address, port } = endpoint(at);
    const socket = await this.#network.datagram({ host: address, port });
    this.#sockets.set(at, socket);
    this.#closing.push(() => socket.close());
  }

  speak(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    this.#sockets.get(`${from.address}:${from.port}`)!.send(bytes, 0, bytes.length, to.port, to.address);
  }

  send({ transport, local, remote }: WireEvent, text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    const { address, port } = endpoint(local);
    if (transport === 'udp') this.#sockets.get(remote)!.send(bytes, 0, bytes.length, port, address);
    else this.#streams.get(remote)?.write(bytes);
  }

  close(): void {
    for (const close of this.#closing) close();
  }
}

function endpoint(text: string): { readonly address: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  return { address: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
