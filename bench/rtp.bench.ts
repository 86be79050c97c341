/**
 * RTP by the packet: read and written beside rtp.js and werift, the same work for each; and what the rest of our receive side costs. Nanoseconds and
 * bytes allocated. Every task first writes the header of the next packet of a stream over the last one's, as a network would.
 */
import { createRequire } from 'node:module';
import { RtpPacket as RtpJsPacket } from 'rtp.js/packets';
import { Concealer, decoder } from '../src/codec.js';
import { JitterBuffer, Playout, parseRtp, ReceiverStats, RtpHeader, RtpSource, SymmetricRtp, TimeScale, writeRtp } from '../src/rtp.js';
import { allocation } from './allocation.js';
import { measure, type Task } from './measure.js';
import { save, versionsOf } from './report.js';
import { socketAllocation } from './rtp/socket-allocation.js';

/** Installed here alone, so not known to the type checker. */
interface WeriftPacket {
  readonly header: { readonly sequenceNumber: number; readonly timestamp: number; readonly ssrc: number };
  readonly payload: Buffer;
  serialize(): Buffer;
}
interface Werift {
  readonly RtpPacket: { new (header: unknown, payload: Buffer): WeriftPacket; deSerialize(packet: Buffer): WeriftPacket };
  readonly RtpHeader: new (fields: object) => unknown;
}
const werift = createRequire(import.meta.url)('werift') as Werift;

/** 20 ms of G.711. */
const packet = Buffer.alloc(172, 0x55);
const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
const payload = packet.subarray(12);
const payloadView = new DataView(packet.buffer, packet.byteOffset + 12, 160);
const fields = { payloadType: 0, marker: false, sequence: 0, timestamp: 0, ssrc: 7 };
let number = 0;
let now = 0;

function next(): void {
  number++;
  now += 20;
  fields.sequence = number & 0xffff;
  fields.timestamp = (number * 160) >>> 0;
  writeRtp(packet, fields);
}

const header = new RtpHeader();
function read(): RtpHeader {
  next();
  return parseRtp(packet, packet.length, header)!;
}

const parsing: Task[] = [
  {
    name: 'sipbot',
    run: () => {
      const { sequence, timestamp, ssrc, payloadLength } = read();
      return (sequence ^ timestamp ^ ssrc ^ payloadLength) & 0xffff;
    },
  },
  {
    name: 'rtp.js',
    run: () => {
      next();
      const read = new RtpJsPacket(view);
      return (read.getSequenceNumber() ^ read.getTimestamp() ^ read.getSsrc() ^ read.getPayload().byteLength) & 0xffff;
    },
  },
  {
    name: 'werift',
    run: () => {
      next();
      const { header, payload } = werift.RtpPacket.deSerialize(packet);
      return (header.sequenceNumber ^ header.timestamp ^ header.ssrc ^ payload.length) & 0xffff;
    },
  },
];

const out = new Uint8Array(172);
const writing: Task[] = [
  {
    name: 'sipbot',
    run: () => {
      next();
      const at = writeRtp(out, fields);
      out.set(payload, at);
      return at;
    },
  },
  {
    name: 'rtp.js',
    run: () => {
      next();
      const made = new RtpJsPacket();
      made.setPayloadType(0);
      made.setSequenceNumber(fields.sequence);
      made.setTimestamp(fields.timestamp);
      made.setSsrc(fields.ssrc);
      made.setPayload(payloadView);
      const bytes = new Uint8Array(made.getByteLength());
      made.serialize(bytes.buffer);
      return bytes.length;
    },
  },
  {
    name: 'werift',
    run: () => {
      next();
      const { sequence: sequenceNumber, timestamp, ssrc } = fields;
      return new werift.RtpPacket(new werift.RtpHeader({ payloadType: 0, sequenceNumber, timestamp, ssrc }), payload).serialize().length;
    },
  },
];

const symmetric = new SymmetricRtp();
symmetric.expect('192.0.2.1', 4000);
const source = new RtpSource(99);
const stats = new ReceiverStats(8000);
const buffer = new JitterBuffer({ clockRate: 8000 });
const playout = new Playout({
  frameMs: 20,
  formats: [{ payloadType: 0, clockRate: 8000, sampleRate: 8000, decoder: decoder('pcmu'), concealer: new Concealer(8000) }],
});
const frame = new Int16Array(160);
const scale = new TimeScale(8000);
const sound = Int16Array.from({ length: 400 }, (_, i) => 8000 * Math.sin(i / 9) + 3000 * Math.sin(i / 4));
const scaled = new Int16Array(400);

const rooms: Task[] = [
  { name: 'parse', run: () => read().sequence },
  { name: 'parse, whose address', run: () => symmetric.accept('192.0.2.1', 4000, read(), now, 'plain') },
  { name: 'parse, whose source', run: () => source.accept(read(), now) },
  { name: 'parse, statistics', run: () => stats.onPacket(read(), 160, now) },
  {
    name: 'parse, jitter buffer put and take',
    run: () => {
      buffer.put('audio', read(), packet, now);
      const take = buffer.take(now + 10, 160);
      if (take === 'play') buffer.played(160);
      return take;
    },
  },
  {
    name: 'parse, playout put and frame, G.711',
    run: () => {
      playout.put(read(), packet, now);
      return playout.frame(now + 10, frame);
    },
  },
  {
    name: '10 ms taken out of 30',
    run: () => {
      scaled.set(sound);
      return scale.shrink(scaled, 240, 80, 0);
    },
  },
];

const tables: Readonly<Record<string, Task[]>> = {
  'read a packet: sequence number, timestamp, SSRC, payload': parsing,
  'write a packet: header and 160 bytes': writing,
  'our receive side, room by room': rooms,
};

const results: { work: string; name: string; ns: number; best: number; bytes: number }[] = [];
for (const [work, tasks] of Object.entries(tables)) {
  console.log(`\n${work}`);
  const timings = measure(tasks);
  for (const [i, { name, ns, best }] of timings.entries()) {
    const bytes = allocation(tasks[i]!);
    console.log(
      `  ${name.padEnd(38)}${ns.toFixed(1).padStart(9)} ns${String(bytes).padStart(7)} B${tasks === rooms ? '' : `${(ns / timings[0]!.ns).toFixed(1).padStart(8)} ×`}`,
    );
    results.push({ work, name, ns: Math.round(ns * 10) / 10, best: Math.round(best * 10) / 10, bytes });
  }
}
const { bare, ours } = await socketAllocation();
console.log(`\nbytes left to the collector for a packet from a real socket: a bare dgram listener ${bare}, into our jitter buffer ${ours}`);
results.push({ work: 'from the socket', name: 'bare dgram listener', ns: Number.NaN, best: Number.NaN, bytes: bare });
results.push({ work: 'from the socket', name: 'sipbot, into the jitter buffer', ns: Number.NaN, best: Number.NaN, bytes: ours });
save('rtp', results, versionsOf(['rtp.js', 'werift']));
