import { describe, expect, test } from 'vitest';
import { decoder, encoder } from '../../src/codec/registry.js';
import { OptionError } from '../../src/errors.js';
import type { DatagramSocket } from '../../src/network.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import { isRtcp, parseRtp, writeRtp } from '../../src/rtp/header.js';
import type { MediaStream, OpenStream, StreamEvent } from '../../src/rtp/media-stream.js';
import type { StreamParameters } from '../../src/rtp/stream-parameters.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../src/testing/memory-network.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

interface Heard {
  readonly at: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly marker: boolean;
  readonly payloadType: number;
  readonly samples: Int16Array;
}

/** The far end of one stream: sends a packet of a known sound every 20 ms, keeps what it hears. */
class Peer {
  readonly heard: Heard[] = [];
  readonly #socket: DatagramSocket;
  readonly #clock: ManualClock;
  readonly #encoder = encoder('pcmu');
  readonly #decoder = decoder('pcmu');
  #sequence = 100;
  #timestamp = 1000;
  #ssrc = 0x1234;
  #target: { readonly address: string; readonly port: number } | undefined;
  #talking = false;

  constructor(socket: DatagramSocket, clock: ManualClock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.onMessage = (bytes) => {
      const header = isRtcp(bytes) ? undefined : parseRtp(bytes);
      if (header === undefined) return;
      const samples = new Int16Array(960);
      const count = header.payloadType === 0 ? this.#decoder.decode(bytes, header.payloadOffset, header.payloadLength, samples, 0) : 0;
      const { sequence, timestamp, ssrc, marker, payloadType } = header;
      this.heard.push({ at: clock.now(), sequence, timestamp, ssrc, marker, payloadType, samples: samples.slice(0, count) });
    };
  }

  get local() {
    return this.#socket.local;
  }

  talk(target: { readonly address: string; readonly port: number }, sample: (n: number) => number): void {
    this.#target = target;
    this.#talking = true;
    let n = 0;
    const next = (): void => {
      if (!this.#talking) return;
      this.send(Int16Array.from({ length: 160 }, () => sample(n++)));
      this.#clock.at(this.#clock.now() + 20, next);
    };
    next();
  }

  send(samples: Int16Array): void {
    const packet = new Uint8Array(12 + samples.length);
    writeRtp(packet, { payloadType: 0, marker: false, sequence: this.#sequence++ & 0xffff, timestamp: this.#timestamp, ssrc: this.#ssrc });
    this.#timestamp += samples.length;
    this.#encoder.encode(samples, samples.length, packet, 12);
    this.#socket.send(packet, 0, packet.length, this.#target!.port, this.#target!.address);
  }

  /** Another source, with numbers of its own. */
  restart(ssrc: number): void {
    this.#ssrc = ssrc;
    this.#sequence = 40_000;
    this.#timestamp = 7_000_000;
  }

  hush(): void {
    this.#talking = false;
  }
}

const g711 = { payloadType: 0, codec: 'pcmu', ptimeMs: 20 } as const;

const parametersTo = (address: string, port: number, more: Partial<StreamParameters> = {}): StreamParameters => ({
  remote: { address, port, rtcpPort: port + 1 },
  send: true,
  receive: true,
  codec: g711,
  accept: [g711],
  rtcpMux: true,
  ...more,
});

async function stage(options: { readonly open?: Partial<OpenStream>; readonly network?: Partial<MemoryNetworkOptions> } = {}) {
  const clock = new ManualClock({ now: 5 });
  const network = new MemoryNetwork({ clock, ...options.network });
  const engine = new MediaEngine({ clock, network, random: new SeededRandom(3), host: '10.0.0.1' });
  const stream = await engine.open({ sampleRate: 8000, frameMs: 20, ...options.open });
  const peer = new Peer(await network.datagram({ host: '10.0.0.2', port: 6000 }), clock);
  const events: StreamEvent[] = [];
  stream.onEvent = (event) => events.push(event);
  const configure = (more: Partial<StreamParameters> = {}): void => stream.configure(parametersTo('10.0.0.2', 6000, more));
  return { clock, network, engine, stream, peer, events, configure };
}

/** A bot that says back what it hears. */
function echo(stream: MediaStream): { frames: number } {
  const cursor = stream.incoming.cursor();
  const count = { frames: 0 };
  stream.onFrames = () => {
    for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) {
      stream.outgoing.write(frame);
      count.frames++;
    }
  };
  return count;
}

const tone = (n: number): number => Math.round(8000 * Math.sin((2 * Math.PI * 1000 * n) / 8000));
const energy = (samples: Int16Array): number => Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / Math.max(1, samples.length));

describe('engine, inline on a manual clock and a network of memory', () => {
  test('silence goes out every 20 ms from the moment the peer is known: RTP in order, timestamps in step', async () => {
    const { clock, engine, stream, peer, configure } = await stage();
    expect(stream.local.port % 2).toBe(0);
    await clock.run(100);
    expect(peer.heard).toEqual([]);
    configure();
    await clock.run(1000);
    expect(peer.heard.length).toBe(50);
    const [first] = peer.heard as [Heard];
    expect(first.marker).toBe(true);
    peer.heard.forEach((packet, i) => {
      expect(packet.sequence).toBe((first.sequence + i) & 0xffff);
      expect(packet.timestamp).toBe((first.timestamp + 160 * i) >>> 0);
      expect(packet.at).toBe(first.at + 20 * i);
      expect(energy(packet.samples)).toBe(0);
    });
    expect(stream.stats().sentEmptySlots).toBeGreaterThan(40);
    expect(engine.stats().threads[0]!.emptySlots).toBe(50);
  });

  test('an echo bot: what the peer says comes back whole, less than 45 ms later on a clean network', async () => {
    const { clock, stream, peer, configure } = await stage();
    configure();
    const count = echo(stream);
    await clock.run(200);
    const began = clock.now();
    peer.talk(stream.local, tone);
    await clock.run(2000);
    expect(count.frames).toBeGreaterThan(95);
    const first = peer.heard.find((packet) => energy(packet.samples) > 1000)!;
    expect(first.at - began).toBeLessThan(45);
    const after = peer.heard.filter((packet) => packet.at > began + 500);
    for (const packet of after) expect(energy(packet.samples)).toBeGreaterThan(5000);
    const { receivedPackets, receivedLate, concealedMs } = stream.stats();
    expect(receivedPackets).toBeGreaterThan(90);
    expect([receivedLate, concealedMs]).toEqual([0, 0]);
  });

  test.each([
    { sampleRate: 16000, frameMs: 20 },
    { sampleRate: 24000, frameMs: 10 },
    { sampleRate: 48000, frameMs: 60 },
    { sampleRate: 8000, frameMs: 30 },
  ] as const)('frames are $frameMs ms at $sampleRate Hz whatever the codec, and go back the same', async (open) => {
    const { clock, stream, peer, configure } = await stage({ open });
    configure();
    const cursor = stream.incoming.cursor();
    const lengths = new Set<number>();
    stream.onFrames = () => {
      for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) {
        lengths.add(frame.length);
        stream.outgoing.write(frame);
      }
    };
    peer.talk(stream.local, tone);
    await clock.run(3000);
    expect([...lengths]).toEqual([(open.sampleRate / 1000) * open.frameMs]);
    const last = peer.heard.slice(-50);
    for (const packet of last) expect(energy(packet.samples)).toBeGreaterThan(5000);
  });

  test('sent: what really left, both lanes mixed, in frames of the bot whatever the packets; while nothing may be sent, silence', async () => {
    const { clock, stream, peer, configure } = await stage({ open: { frameMs: 30 } });
    const sent = stream.sent;
    configure();
    const cursor = sent.cursor();
    stream.outgoing.write(Int16Array.from({ length: 1600 }, (_, n) => tone(n)));
    stream.background.write(new Int16Array(800).fill(1000));
    await clock.run(300);
    configure({ send: false });
    await clock.run(300);
    const frames: { samples: Int16Array; source: string; timeMs: number }[] = [];
    for (let samples = cursor.next(); samples !== undefined; samples = cursor.next()) {
      frames.push({ samples, source: cursor.source, timeMs: cursor.timeMs });
    }
    expect(frames.map((frame) => frame.timeMs)).toEqual(frames.map((_, i) => 30 * i));
    expect(frames.length).toBeGreaterThanOrEqual(19);
    const said = frames.flatMap((frame) => [...frame.samples]);
    const begin = said.findIndex((sample) => sample !== 0);
    expect(said.slice(begin, begin + 700)).toEqual(Array.from({ length: 700 }, (_, n) => tone(n) + 1000));
    expect(new Set(frames.map((frame) => frame.source))).toEqual(new Set(['heard', 'silence']));
    expect(energy(Int16Array.from(said.slice(-1600)))).toBe(0);
    const wire = peer.heard.flatMap((packet) => [...packet.samples]);
    const heardAt = wire.findIndex((sample) => Math.abs(sample) > 500);
    for (let n = 0; n < 700; n++) expect(Math.abs(wire[heardAt + n]! - said[begin + n]!)).toBeLessThan(400);
  });

  test('the ledger: what was written is on the wire to the sample, and clear() is silence one packet later', async () => {
    const { clock, stream, peer, configure } = await stage();
    configure();
    await clock.run(100);
    const loud = new Int16Array(8000).fill(8000);
    stream.outgoing.write(loud);
    stream.outgoing.mark('end');
    const marks: string[] = [];
    stream.outgoing.onMark = (name, outcome) => marks.push(`${name} ${outcome}`);
    const before = peer.heard.length;
    await clock.run(400);
    const { playedSamples, clearedSamples } = stream.outgoing.clear();
    const heardLoud = peer.heard.slice(before).filter((packet) => energy(packet.samples) > 7000).length;
    expect(playedSamples).toBe(160 * heardLoud);
    expect(playedSamples + clearedSamples).toBe(8000);
    expect(marks).toEqual(['end cleared']);
    const cleared = clock.now();
    await clock.run(200);
    const rest = peer.heard.filter((packet) => packet.at > cleared);
    expect(energy(rest[0]!.samples.subarray(40))).toBe(0); // within 3 ms it has faded
    expect(Math.abs(rest[0]!.samples[0]! - 8000)).toBeLessThan(600); // and it does not click
    for (const packet of rest.slice(1)) expect(energy(packet.samples)).toBe(0);
  });

  test('a mark is said when its last sample left, without frames coming in', async () => {
    const { clock, stream, configure } = await stage();
    configure({ receive: false });
    const marks: string[] = [];
    stream.outgoing.onMark = (name, outcome) => marks.push(`${clock.now()} ${name} ${outcome}`);
    await clock.run(15);
    stream.outgoing.write(new Int16Array(400).fill(100));
    stream.outgoing.mark('a');
    await clock.run(200);
    expect(marks.length).toBe(1);
    expect(marks[0]).toMatch(/ a sent$/);
    await stream.outgoing.drained();
  });

  test('on hold nothing is sent, what is written waits, the ledger stands still; then it goes on', async () => {
    const { clock, stream, peer, configure } = await stage();
    configure();
    stream.outgoing.write(new Int16Array(8000).fill(5000));
    await clock.run(200);
    configure({ send: false, receive: false });
    await clock.run(5);
    const [packets, played] = [peer.heard.length, stream.outgoing.playedSamples];
    const cursor = stream.incoming.cursor();
    peer.talk(stream.local, tone);
    await clock.run(1000);
    expect(peer.heard.length).toBe(packets);
    expect(stream.outgoing.playedSamples).toBe(played);
    expect(cursor.next()).toBeUndefined();
    configure();
    await clock.run(100);
    expect(stream.outgoing.playedSamples).toBeGreaterThan(played);
    const [last, resumed] = [peer.heard[packets - 1]!, peer.heard[packets]!];
    expect(resumed.sequence).toBe((last.sequence + 1) & 0xffff);
    expect(resumed.timestamp - last.timestamp).toBe(8 * (resumed.at - last.at)); // the clock did not stop
    expect(resumed.marker).toBe(true);
    expect(cursor.next()).toBeDefined();
  });

  test('the codec and the packet length may change in the middle, and the audio goes on', async () => {
    const { clock, stream, peer, configure } = await stage();
    configure();
    stream.outgoing.write(new Int16Array(16_000).fill(6000));
    await clock.run(500);
    const half = peer.heard.length;
    configure({ codec: { payloadType: 8, codec: 'pcma', ptimeMs: 40 }, accept: [{ payloadType: 8, codec: 'pcma' }] });
    await clock.run(1000);
    const after = peer.heard.slice(half);
    expect(new Set(after.map((packet) => packet.payloadType))).toEqual(new Set([8]));
    expect(after.length).toBeGreaterThanOrEqual(24);
    expect(after[1]!.timestamp - after[0]!.timestamp).toBe(320);
    expect(after[0]!.ssrc).toBe(peer.heard[0]!.ssrc);
    expect(after[0]!.sequence).toBe((peer.heard[half - 1]!.sequence + 1) & 0xffff);
    expect(stream.outgoing.playedSamples).toBeGreaterThan(11_000);
  });

  test('the background lane is mixed with what the bot says, and heard alone when it says nothing', async () => {
    const { clock, stream, peer, configure } = await stage();
    configure();
    stream.background.write(new Int16Array(8000).fill(1000));
    stream.outgoing.write(new Int16Array(1600).fill(3000));
    await clock.run(700);
    const levels = new Set(peer.heard.map((packet) => Math.round(packet.samples[150]! / 500) * 500));
    expect(levels).toEqual(new Set([4000, 1000]));
    expect(stream.background.playedSamples).toBeGreaterThan(4000);
  });

  /** A thread that stands still for a second. */
  async function stalled(begin: (stream: MediaStream) => void, more: Partial<StreamParameters> = {}) {
    const clock = new ManualClock();
    let stall = 0;
    const stalling = {
      now: () => clock.now(),
      wall: () => clock.wall(),
      at: (when: number, task: () => void) => clock.at(when + stall, task),
    };
    const network = new MemoryNetwork({ clock });
    const engine = new MediaEngine({ clock: stalling, network, host: '10.0.0.1' });
    const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
    const peer = new Peer(await network.datagram({ host: '10.0.0.2', port: 6000 }), clock);
    stream.configure(parametersTo('10.0.0.2', 6000, more));
    begin(stream);
    clock.advance(200);
    stall = 1000;
    clock.advance(20);
    stall = 0;
    clock.advance(2000);
    return { engine, peer };
  }

  test('a stall while a key is down: one press at the far end, as long as it was', async () => {
    // Once a press in a loaded run came as three: its clock stood still in a stall, and the timestamp that names the press moved.
    const telephoneEvent = { sendPayloadType: 101, receivePayloadTypes: [101], clockRate: 8000 };
    const { engine, peer } = await stalled((stream) => void stream.sendDtmf('5', { durationMs: 400 }), { telephoneEvent });
    const events = peer.heard.filter(({ payloadType }) => payloadType === 101);
    expect(events.length).toBeGreaterThan(5);
    expect(new Set(events.map(({ timestamp }) => timestamp)).size).toBe(1);
    await engine.close();
  });

  test('a stall: nothing is sent in a burst, and timestamps have moved on', async () => {
    const { engine, peer } = await stalled((stream) => stream.outgoing.write(new Int16Array(80_000).fill(1000)));
    for (let i = 1; i < peer.heard.length; i++) {
      const [a, b] = [peer.heard[i - 1]!, peer.heard[i]!];
      expect(b.sequence).toBe((a.sequence + 1) & 0xffff);
      expect((b.timestamp - a.timestamp) >>> 0).toBe(8 * (b.at - a.at));
    }
    const gaps = peer.heard.slice(1).map((packet, i) => packet.at - peer.heard[i]!.at);
    expect(Math.max(...gaps)).toBeGreaterThan(900);
    expect(Math.min(...gaps)).toBe(20);
    const [thread] = engine.stats().threads;
    expect(thread!.skips).toBe(1);
    expect(thread!.skippedMs).toBeGreaterThan(900);
    await engine.close();
  });

  test('ports: none left is an error of that call alone, a closed call`s ports rest, and serve again at once when they are the last', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const engine = new MediaEngine({ clock, network, ports: [30_000, 30_003], quarantineMs: 1000 });
    const open = () => engine.open({ sampleRate: 8000, frameMs: 20 });
    const first = await open();
    await open();
    await expect(open()).rejects.toMatchObject({ code: 'ERR_PORTS', status: 503 });
    expect(engine.stats().ports).toEqual({ free: 0, used: 2, resting: 0 });
    first.close();
    expect(engine.stats().ports).toEqual({ free: 0, used: 1, resting: 1 });
    const again = await open();
    expect(again.local.port).toBe(first.local.port);
    await engine.close();
    expect(network.open).toBe(0);
    expect(clock.pending).toBe(0);
    await expect(open()).rejects.toMatchObject({ code: 'ERR_STOPPED' });
  });

  test('a port taken by someone else is passed over', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    for (const port of [30_000, 30_002, 30_004]) await network.datagram({ host: '10.0.0.1', port });
    const engine = new MediaEngine({ clock, network, host: '10.0.0.1', ports: [30_000, 30_007] });
    const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
    expect(stream.local.port).toBe(30_006);
    await engine.close();
  });

  test('while it is not known where to, nothing is sent and what is written waits; then the peer`s own packets show it', async () => {
    for (const remote of [undefined, { address: '10.0.0.2', port: 0, rtcpPort: 0 }]) {
      const { clock, stream, peer, events, configure } = await stage();
      configure({ remote });
      stream.outgoing.write(new Int16Array(1600).fill(5000));
      await clock.run(500);
      expect([peer.heard.length, stream.outgoing.playedSamples, stream.outgoing.droppedSamples]).toEqual([0, 0, 0]);
      peer.talk(stream.local, tone);
      await clock.run(500);
      expect(events.map((event) => event.type)).toContain('latched');
      expect(peer.heard.filter((packet) => energy(packet.samples) > 4000).length).toBe(10);
      expect(stream.outgoing.playedSamples).toBe(1600);
    }
  });

  test('RFC 3550 A.1: a sender that starts again is heard again, and the call`s counts go on', async () => {
    const { clock, stream, peer, configure } = await stage();
    configure();
    peer.talk(stream.local, tone);
    await clock.run(2000);
    peer.restart(0x9999);
    await clock.run(2000);
    const { receivedPackets, receivedLost } = stream.stats();
    expect(receivedPackets).toBeGreaterThan(190);
    expect(receivedLost).toBeLessThan(3);
    const cursor = stream.incoming.cursor('oldest');
    let heard = 0;
    while (cursor.next() !== undefined) if (cursor.source === 'heard') heard++;
    expect(heard).toBeGreaterThan(45);
  });

  test('before offer and answer nothing is heard', async () => {
    const { clock, stream, peer, events } = await stage();
    peer.talk(stream.local, tone);
    await clock.run(500);
    expect(events).toEqual([]);
    expect(stream.incoming.written).toBe(0);
  });

  test('an odd port that somebody else holds is told, and the call goes on', async () => {
    const { clock, network, stream, peer, events, configure } = await stage();
    await network.datagram({ host: '10.0.0.1', port: stream.local.rtcpPort });
    configure({ rtcpMux: false });
    await clock.run(200);
    expect(events).toEqual([{ type: 'rtcpUnavailable' }]);
    expect(peer.heard.length).toBe(10);
  });

  test('RFC 5761: the odd port is bound only when RTCP is not on the RTP port', async () => {
    const { network, clock, configure } = await stage();
    const before = network.open;
    configure({ rtcpMux: true });
    await clock.run(20);
    expect(network.open).toBe(before);
    configure({ rtcpMux: false });
    await clock.run(100);
    expect(network.open).toBe(before + 1);
  });

  test('closing ends everything at once, and once', async () => {
    const { clock, network, engine, stream, peer, configure } = await stage();
    configure();
    stream.outgoing.write(new Int16Array(16_000));
    const drained = stream.outgoing.drained();
    await clock.run(100);
    stream.close();
    stream.close();
    await drained;
    const heard = peer.heard.length;
    await clock.run(100);
    expect(peer.heard.length).toBe(heard);
    expect(stream.incoming.ended).toBe(true);
    expect(() => stream.outgoing.write(new Int16Array(160))).toThrow(expect.objectContaining({ code: 'ERR_CALL_ENDED' }));
    await expect(stream.sendDtmf('1')).rejects.toMatchObject({ code: 'ERR_CALL_ENDED' });
    expect(network.open).toBe(1);
    expect(clock.pending).toBe(0);
    expect(engine.stats().ports.used).toBe(0);
  });

  test('RFC 4733: keys go out as events, three ends each, and audio waits meanwhile', async () => {
    const { clock, stream, peer, configure } = await stage();
    configure({ telephoneEvent: { sendPayloadType: 101, receivePayloadTypes: [101], clockRate: 8000 } });
    await clock.run(100);
    stream.outgoing.write(new Int16Array(1600).fill(4000));
    let done = 0;
    const sending = stream.sendDtmf('5#', { durationMs: 100, gapMs: 60 }).then(() => {
      done = clock.now();
    });
    const before = stream.outgoing.playedSamples;
    await clock.run(100);
    expect(stream.outgoing.playedSamples).toBe(before);
    await clock.run(900);
    await sending;
    const events = peer.heard.filter((packet) => packet.payloadType === 101);
    expect(events.filter((packet) => packet.marker).length).toBe(2);
    expect(new Set(events.map((packet) => packet.timestamp)).size).toBe(2);
    expect(done).toBeGreaterThan(events.at(-2)!.at);
    expect(stream.outgoing.playedSamples).toBe(1600);
    const sequences = peer.heard.map((packet) => packet.sequence);
    expect(sequences).toEqual(sequences.map((_, i) => (sequences[0]! + i) & 0xffff));
  });

  test('two engines: keys pressed here are heard there, as events or as tones in the audio', async () => {
    for (const via of ['telephone-event', 'in-band'] as const) {
      const clock = new ManualClock();
      const network = new MemoryNetwork({ clock, loss: via === 'in-band' ? 0 : 0.2, seed: 5 });
      const [a, b] = (await Promise.all(
        ['10.0.0.1', '10.0.0.2'].map((host) => new MediaEngine({ clock, network, host }).open({ sampleRate: 16000, frameMs: 20 })),
      )) as [MediaStream, MediaStream];
      const agreed =
        via === 'in-band'
          ? { detectInbandDtmf: true }
          : { telephoneEvent: { sendPayloadType: 101, receivePayloadTypes: [101], clockRate: 8000 } };
      a.configure(parametersTo(b.local.address, b.local.port, agreed));
      b.configure(parametersTo(a.local.address, a.local.port, agreed));
      const heard: string[] = [];
      b.onEvent = (event) => {
        if (event.type === 'dtmf')
          heard.push(`${event.digit} ${event.via} ${Math.abs(event.durationMs - 120) <= 40 ? 'in time' : event.durationMs}`);
      };
      await clock.run(200);
      const sending = a.sendDtmf('19*D', { durationMs: 120 });
      await clock.run(2500);
      await sending;
      expect(heard).toEqual(['1', '9', '*', 'D'].map((digit) => `${digit} ${via} in time`));
    }
  });

  test('RFC 3389: where comfort noise was agreed, silence is a packet now and again, and the timestamps go on', async () => {
    const { clock, stream, peer, configure } = await stage();
    configure({ comfortNoise: { sendPayloadType: 13, receivePayloadTypes: [13] } });
    await clock.run(2000);
    const noise = peer.heard.filter((packet) => packet.payloadType === 13);
    expect(noise.length).toBe(5);
    expect(peer.heard.length).toBeLessThan(20);
    stream.outgoing.write(new Int16Array(1600).fill(4000));
    await clock.run(400);
    const speech = peer.heard.find((packet) => energy(packet.samples) > 3000)!;
    expect(speech.marker).toBe(true);
    expect((speech.timestamp - noise[0]!.timestamp) >>> 0).toBe(8 * (speech.at - noise[0]!.at));
    expect(stream.outgoing.playedSamples).toBe(1600);
  });

  test('a bot is told of the end while it can still answer; one that throws then does not keep the others open', async () => {
    const { clock, network, engine, stream, peer, configure } = await stage();
    configure();
    const count = echo(stream);
    peer.talk(stream.local, tone);
    await clock.run(200);
    const other = await engine.open({ sampleRate: 8000, frameMs: 20 });
    const third = await engine.open({ sampleRate: 8000, frameMs: 20 });
    other.onFrames = () => {
      throw new Error('mine');
    };
    peer.hush();
    await engine.close();
    expect(count.frames).toBeGreaterThan(5);
    expect([stream.closed, other.closed, third.closed, third.incoming.ended]).toEqual([true, true, true, true]);
    expect([network.open, engine.stats().ports.used]).toEqual([1, 0]);
  });

  test('silence of the peer is told once, and its return', async () => {
    const { clock, stream, peer, events, configure } = await stage();
    configure({ silentAfterMs: 1000 });
    peer.talk(stream.local, tone);
    await clock.run(500);
    peer.hush();
    await clock.run(3000);
    peer.talk(stream.local, tone);
    await clock.run(100);
    expect(events.map((event) => event.type)).toEqual(['firstPacket', 'silent', 'resumed']);
  });

  test.each([
    ['remote.address', { remote: { address: '::1', port: 4000, rtcpPort: 4001 } }],
    ['remote.port', { remote: { address: '10.0.0.2', port: 70_000, rtcpPort: 4001 } }],
    ['accept', { accept: [] }],
    ['payloadType', { codec: { payloadType: 128, codec: 'pcmu' } }],
  ] as const)('a wrong %s is the caller`s mistake, at once', async (option, wrong) => {
    const { configure } = await stage();
    expect(() => configure(wrong as Partial<StreamParameters>)).toThrow(expect.objectContaining({ option }));
  });

  test.each([{ sampleRate: 11_025 }, { frameMs: 25 }])('a stream of %o is the caller`s mistake', async (wrong) => {
    const { engine } = await stage();
    await expect(engine.open({ sampleRate: 8000, frameMs: 20, ...wrong } as OpenStream)).rejects.toBeInstanceOf(OptionError);
  });

  test('a clock or a network of one`s own does not reach into threads', () => {
    const clock = new ManualClock();
    expect(() => new MediaEngine({ threads: 1, clock })).toThrow(OptionError);
    expect(() => new MediaEngine({ threads: 1.5 })).toThrow(OptionError);
  });
});
