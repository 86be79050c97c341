/** The media side as fuzz targets: a whole stream in a call, an RTCP session, keyed packets, and presses of keys. */
import type { DatagramListener, DatagramOptions, DatagramSocket } from '../../src/network.js';
import { DtmfReceiver } from '../../src/rtp/dtmf-receiver.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import { RtpHeader, writeRtp } from '../../src/rtp/header.js';
import { ReceiverStats } from '../../src/rtp/receiver-stats.js';
import { parseRtcp, writeBye, writeCname, writeReport } from '../../src/rtp/rtcp.js';
import { RtcpSession } from '../../src/rtp/rtcp-session.js';
import { SrtpContext } from '../../src/rtp/srtp/context.js';
import { type CryptoSuite, cryptoKeyLength, cryptoKeysFrom } from '../../src/rtp/srtp/crypto-line.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { assert, Choices, type Target } from './target.js';

const PEER = '10.0.0.2';
const g711 = { payloadType: 0, codec: 'pcmu' } as const;

class Wire implements DatagramSocket {
  onMessage: DatagramListener | undefined;
  onError: undefined;
  readonly local;
  sent = 0;

  constructor({ host, port }: DatagramOptions) {
    this.local = { address: host, port };
  }

  send(): void {
    this.sent++;
  }

  close(): void {}
}

function packet(payloadType: number, sequence: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + payload.length);
  writeRtp(bytes, { payloadType, marker: false, sequence, timestamp: 160 * sequence, ssrc: 0xabc });
  bytes.set(payload, 12);
  return bytes;
}

function compound(): Uint8Array {
  const block = { ssrc: 0xa11c, fractionLost: 1, cumulativeLost: 2, extendedHighest: 3, jitter: 4, lastSr: 5, delaySinceLastSr: 6 };
  const sender = { ntpSeconds: 1, ntpFraction: 2, timestamp: 3, packets: 4, bytes: 5 };
  const bytes = new Uint8Array(256);
  let at = writeReport(bytes, 0, { ssrc: 0xb0b0, sender, block });
  at = writeCname(bytes, at, 0xb0b0, 'there');
  return bytes.slice(0, writeBye(bytes, at, 0xb0b0));
}

/** Records as the targets read them: the turn of time, where it comes from, the length, the bytes. */
function record(bytes: Uint8Array, wait = 20, from = 0): number[] {
  return [wait, from, bytes.length >> 8, bytes.length & 0xff, ...bytes];
}

const voice = (sequence: number): Uint8Array => packet(0, sequence, new Uint8Array(160).fill(0x21));
const press = (duration: number, end: number): Uint8Array => Uint8Array.of(5, end | 10, duration >> 8, duration & 0xff);
const words = [
  '\x80\x00',
  '\x80\x65',
  '\x80\x0d',
  '\x90\x00',
  '\xb1\x00',
  '\xa0\x00',
  '\xbe\xde\x00\x01',
  '\x80\xc8',
  '\x81\xc9',
  '\x81\xcb',
  '\x80\xcf',
  '\xff\xff',
  '\x00\x00\x00\x00',
  '\x7f\xff\xff\xff',
];

/** Packets into a stream of a call: whatever comes, it goes on sending, holds a bounded buffer, and hears its peer again. */
export const stream: Target = {
  name: 'rtp',
  seeds: [
    Uint8Array.from([1, 2, 3, 4, 5].flatMap((sequence) => record(voice(sequence)))),
    Uint8Array.from([...record(voice(1)), ...record(packet(101, 2, press(160, 0))), ...record(packet(101, 3, press(320, 0x80)))]),
    Uint8Array.from([
      ...record(voice(1)),
      ...record(compound(), 100),
      ...record(packet(13, 2, Uint8Array.of(60, 127))),
      ...record(voice(9)),
    ]),
    Uint8Array.from([
      ...record(voice(65_535)),
      ...record(voice(0)),
      ...record(voice(1), 20, 1),
      ...record(packet(9, 2, new Uint8Array(160))),
    ]),
  ],
  words,
  batch: 16,
  share: 2,
  run: async (input) => {
    const clock = new ManualClock();
    const wires: Wire[] = [];
    const network = {
      datagram: async (options: DatagramOptions) => {
        const wire = new Wire(options);
        wires.push(wire);
        return wire;
      },
    };
    const engine = new MediaEngine({ clock, random: new SeededRandom(9), host: '10.0.0.1', network, ports: [20_000, 20_010] });
    const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
    const failures: unknown[] = [];
    stream.onEvent = (event) => event.type === 'failed' && failures.push(event.error);
    stream.configure({
      remote: { address: PEER, port: 5000, rtcpPort: 5001 },
      send: true,
      receive: true,
      codec: g711,
      accept: [g711, { payloadType: 9, codec: 'g722' }],
      telephoneEvent: { sendPayloadType: 101, receivePayloadTypes: [101], clockRate: 8000 },
      comfortNoise: { receivePayloadTypes: [13] },
      rtcpMux: true,
      latch: true,
    });
    const wire = wires[0]!;
    const choices = new Choices(input);
    let turned = 0;
    for (let packets = 0; !choices.isOver && packets < 100; packets++) {
      const wait = choices.byte();
      const from = choices.byte();
      const bytes = choices.take(choices.below(2000));
      clock.advance(wait);
      turned += wait;
      wire.onMessage?.(Uint8Array.from(bytes), from < 200 ? PEER : '10.9.9.9', from < 100 ? 5000 : 5000 + from);
    }
    clock.advance(100);
    assert(failures.length === 0, `the stream failed: ${String(failures[0])}`);
    assert(wire.sent >= (turned + 100) / 20 - 2, `only ${wire.sent} packets went out in ${turned + 100} ms`);
    const { receivedPackets, jitterMs } = stream.stats();
    assert(receivedPackets >= 0 && (jitterMs >= 0 || Number.isNaN(jitterMs)), 'the statistics make no sense');
    await engine.close();
    assert(clock.pending === 0, `${clock.pending} timers are left`);
  },
};

export const rtcp: Target = {
  name: 'rtcp',
  batch: 512,
  seeds: [compound(), Uint8Array.from(record(compound()))],
  words: [...words, '\x80\xc9\x00\x01', '\x81\xca', '\x81\xcd\x00\x03', '\x04\x00\x00\x02', '\x07\x00\x00\x08'],
  run: (input) => {
    parseRtcp(input);
    const heard = new ReceiverStats(8000);
    const session = new RtcpSession({
      ssrc: 0xa11c,
      cname: 'here',
      random: new SeededRandom(1),
      reducedSize: true,
      receiver: () => heard,
    });
    const choices = new Choices(input);
    const into = new Uint8Array(2048);
    let now = 0;
    while (!choices.isOver) {
      now += 100 * choices.byte();
      session.onSent(now * 8, 160, now, 8000);
      choices.byte();
      const bytes = Uint8Array.from(choices.take(choices.below(2000)));
      session.onPacket(bytes, bytes.length, now);
      const length = session.due <= now ? session.write(into, now, now, QUALITY) : 0;
      if (length > 0) assert(parseRtcp(into, length) !== undefined, 'our report cannot be read');
    }
    const { rttMs, lossFraction, jitterMs } = session.remote;
    for (const value of [rttMs, lossFraction, jitterMs]) assert(Number.isNaN(value) || value >= 0, `a report says ${value}`);
  },
};

const QUALITY = {
  bufferDelayMs: 40,
  concealedFraction: 0,
  lateFraction: 0,
  levelDbov: -20,
  rFactor: 90,
  mos: 4.3,
  listeningMos: 4.4,
  packetMs: 20,
  bufferLimitMs: 300,
};

const SUITES: readonly CryptoSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AES_256_CM_HMAC_SHA1_80',
  'AEAD_AES_128_GCM',
];
const keyed = SUITES.map((suite) => cryptoKeysFrom(suite, new Uint8Array(cryptoKeyLength(suite)).fill(3)));

function sealed(clear: Uint8Array, suite: number): Uint8Array {
  const room = Buffer.alloc(clear.length + 64);
  room.set(clear);
  const context = new SrtpContext(keyed[suite]!);
  const length = clear[1] === 200 ? context.protectRtcp(room, clear.length) : context.protectRtp(room, clear.length);
  return Uint8Array.from(room.subarray(0, length));
}

const honest = [0, 1, 2, 3].flatMap((suite) => [voice(7), compound()].map((clear) => ({ suite, clear, bytes: sealed(clear, suite) })));

/** Only what was sealed opens, and what opens is what was sealed. */
export const srtp: Target = {
  name: 'srtp',
  batch: 512,
  seeds: honest.map(({ suite, bytes }) => Uint8Array.of(suite, ...bytes)),
  words,
  run: (input) => {
    const suite = (input[0] ?? 0) % SUITES.length;
    const context = new SrtpContext(keyed[suite]!);
    const bytes = Buffer.from(input.subarray(1));
    const isReport = bytes.length > 1 && bytes[1]! >= 192 && bytes[1]! <= 223;
    const before = Buffer.from(bytes);
    const length = isReport ? context.unprotectRtcp(bytes, bytes.length) : context.unprotectRtp(bytes, bytes.length);
    if (length < 0) return;
    const known = honest.find((one) => one.suite === suite && before.equals(one.bytes));
    assert(known !== undefined, `opened what was never sealed: ${before.toString('hex')}`);
    assert(Buffer.from(known.clear).equals(bytes.subarray(0, length)), 'opened to something else');
  },
};

/** One event a press, whatever is lost, repeated or out of order: never more presses than reports. */
export const dtmf: Target = {
  name: 'dtmf',
  batch: 512,
  seeds: [
    Uint8Array.from([...record(press(160, 0)), ...record(press(320, 0)), ...record(press(480, 0x80)), ...record(press(480, 0x80))]),
    Uint8Array.from([
      ...record(press(0xffff, 0)),
      ...record(press(160, 0x80), 255),
      ...record(Uint8Array.of(...press(80, 0x80), ...press(80, 0x80))),
    ]),
  ],
  words: ['\x05\x8a\x03\x20', '\x00\x0a\x00\xa0', '\x0f\x8a\xff\xff', '\x10\x8a\x00\x00', '\xff\xff\xff\xff'],
  run: (input) => {
    let told = 0;
    const receiver = new DtmfReceiver(8000, {
      onDigit: (_digit, durationMs) => {
        told++;
        assert(durationMs >= 0 && Number.isFinite(durationMs), `a press of ${durationMs} ms`);
      },
    });
    const header = new RtpHeader();
    const choices = new Choices(input);
    let now = 0;
    let reports = 0;
    while (!choices.isOver) {
      now += choices.byte();
      const stamp = choices.byte();
      const payload = choices.take(choices.below(300));
      const bytes = new Uint8Array(12 + payload.length);
      bytes.set(payload, 12);
      header.payloadOffset = 12;
      header.payloadLength = payload.length;
      header.timestamp = (stamp * 800) >>> 0;
      receiver.onPacket(header, bytes, now);
      receiver.onTick(now);
      reports += payload.length >> 2;
    }
    receiver.onTick(now + 10_000);
    assert(told <= reports, `${told} presses of ${reports} reports`);
    assert(!receiver.isActive, 'a key is down for ever');
  },
};
