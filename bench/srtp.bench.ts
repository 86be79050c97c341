/**
 * SRTP by the packet, 20 ms of G.711: protect and unprotect beside werift, and beside the plain way of a cipher and an HMAC object of node:crypto for
 * each packet. CPU nanoseconds and bytes of heap. Before anything is timed, all must make the same bytes. Unprotecting is what doing both takes more
 * than protecting, since a packet can be opened only once.
 */
import { createCipheriv, createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { systemRandom } from '../src/random.js';
import { deriveKeys } from '../src/rtp/srtp/keys.js';
import { type CryptoKeys, type CryptoSuite, cryptoKeyLength, cryptoKeysFrom, SrtpContext, writeRtp } from '../src/rtp.js';
import { allocation } from './allocation.js';
import { measure } from './measure.js';
import { save, versionsOf } from './report.js';

/** Installed here alone, so not known to the type checker. */
interface WeriftSession {
  encrypt(payload: Buffer, header: unknown): Buffer;
  decrypt(packet: Buffer): Buffer;
}
interface Werift {
  readonly SrtpSession: new (config: object) => WeriftSession;
  readonly RtpHeader: { deSerialize(packet: Buffer): unknown };
}
const werift = createRequire(import.meta.url)('werift') as Werift;

const CLEAR_BYTES = 172;

/** Two ends of one key. What `open` gives begins with the clear packet; it may be the sealed one's memory. */
interface Pair {
  readonly name: string;
  readonly seal: (clear: Buffer) => Buffer;
  readonly open: (sealed: Buffer) => Buffer;
}

function ours(keys: CryptoKeys): Pair {
  const sender = new SrtpContext(keys);
  const receiver = new SrtpContext(keys);
  const packet = Buffer.alloc(CLEAR_BYTES + sender.rtpOverhead);
  return {
    name: 'sipbot',
    seal: (bytes) => {
      packet.set(bytes);
      if (sender.protectRtp(packet, CLEAR_BYTES) < 0) throw new Error('not protected');
      return packet;
    },
    open: (sealed) => {
      if (receiver.unprotectRtp(sealed, sealed.length) !== CLEAR_BYTES) throw new Error('not authentic');
      return sealed;
    },
  };
}

function werifts(profile: number, keys: CryptoKeys): Pair {
  const key = Buffer.from(keys.masterKey);
  const salt = Buffer.from(keys.masterSalt);
  const ends = { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt };
  const session = new werift.SrtpSession({ profile, keys: ends });
  return {
    name: 'werift',
    seal: (bytes) => session.encrypt(bytes.subarray(12), werift.RtpHeader.deSerialize(bytes)),
    open: (sealed) => session.decrypt(sealed),
  };
}

/** AES_CM_128_HMAC_SHA1_80, new objects for each packet. No replay list; the roll-over counter is given. */
function plain(keys: CryptoKeys): Pair {
  const { cipher, salt, auth } = deriveKeys(keys, 'rtp');
  const iv = Buffer.alloc(16);
  const counter = Buffer.alloc(4);
  const apply = (bytes: Buffer): Buffer => {
    iv.fill(0);
    iv.set(salt);
    for (let i = 0; i < 4; i++) iv[4 + i]! ^= bytes[8 + i]!;
    for (let i = 0; i < 4; i++) iv[8 + i]! ^= counter[i]!;
    iv[12]! ^= bytes[2]!;
    iv[13]! ^= bytes[3]!;
    const body = createCipheriv('aes-128-ctr', cipher, iv).update(bytes.subarray(12, CLEAR_BYTES));
    return Buffer.concat([bytes.subarray(0, 12), body]);
  };
  const tag = (bytes: Buffer): Buffer => createHmac('sha1', auth).update(bytes).update(counter).digest().subarray(0, 10);
  return {
    name: 'node:crypto, objects for each packet',
    seal: (bytes) => {
      counter.writeUInt32BE(Math.floor(sealed / 0x10000));
      const body = apply(bytes);
      return Buffer.concat([body, tag(body)]);
    },
    open: (bytes) => {
      if (!tag(bytes.subarray(0, CLEAR_BYTES)).equals(bytes.subarray(CLEAR_BYTES))) throw new Error('not authentic');
      return apply(bytes);
    },
  };
}

const clear = Buffer.alloc(CLEAR_BYTES, 0x55);
/** Of the packet that is being sealed: its index. */
let sealed = 0;

/** The next packet of a stream, sealed. Each has a numbering of its own, kept here. */
function stream(seal: (clear: Buffer) => Buffer): () => Buffer {
  let number = 0;
  return () => {
    sealed = ++number;
    writeRtp(clear, { payloadType: 0, marker: false, sequence: number & 0xffff, timestamp: (number * 160) >>> 0, ssrc: 0x1234 });
    return seal(clear);
  };
}

function mustAgree(pairs: readonly Pair[]): void {
  const streams = pairs.map(({ seal }) => stream(seal));
  for (let i = 0; i < 50; i++) {
    const packets = streams.map((next) => Buffer.from(next()));
    const first = Buffer.from(packets[0]!);
    for (const [n, pair] of pairs.entries()) {
      if (!packets[n]!.equals(first)) throw new Error(`${pair.name} makes other bytes`);
      if (!pair.open(packets[n]!).subarray(0, CLEAR_BYTES).equals(clear)) throw new Error(`${pair.name} does not open them`);
    }
  }
}

const fresh = (suite: CryptoSuite): CryptoKeys => cryptoKeysFrom(suite, systemRandom.bytes(cryptoKeyLength(suite)));

const tables: readonly { readonly suite: CryptoSuite; readonly make: readonly ((keys: CryptoKeys) => Pair)[] }[] = [
  { suite: 'AES_CM_128_HMAC_SHA1_80', make: [ours, plain, (keys) => werifts(1, keys)] },
  { suite: 'AES_256_CM_HMAC_SHA1_80', make: [ours] },
  { suite: 'AEAD_AES_128_GCM', make: [ours, (keys) => werifts(7, keys)] },
  { suite: 'AEAD_AES_256_GCM', make: [ours] },
];

const results: { suite: string; name: string; protectNs: number; unprotectNs: number; protectBytes: number; unprotectBytes: number }[] = [];
for (const { suite, make } of tables) {
  const keys = fresh(suite);
  mustAgree(make.map((pair) => pair(keys)));
  const tasks = make.flatMap((pair) => {
    const one = pair(keys);
    const both = pair(keys);
    const sealOne = stream(one.seal);
    const sealBoth = stream(both.seal);
    return [
      { name: one.name, run: () => sealOne() },
      { name: one.name, run: () => both.open(sealBoth()) },
    ];
  });
  const timings = measure(tasks);
  const bytes = tasks.map((task) => allocation(task));
  console.log(`\n${suite}\n${' '.repeat(40)}protect            unprotect`);
  for (let i = 0; i < tasks.length; i += 2) {
    const [protectNs, unprotectNs] = [timings[i]!.ns, timings[i + 1]!.ns - timings[i]!.ns];
    const [protectBytes, unprotectBytes] = [bytes[i]!, Math.max(0, bytes[i + 1]! - bytes[i]!)];
    const column = (ns: number, heap: number): string => `${ns.toFixed(0).padStart(8)} ns${String(heap).padStart(6)} B`;
    console.log(`  ${tasks[i]!.name.padEnd(38)}${column(protectNs, protectBytes)} ${column(unprotectNs, unprotectBytes)}`);
    results.push({
      suite,
      name: tasks[i]!.name,
      protectNs: Math.round(protectNs),
      unprotectNs: Math.round(unprotectNs),
      protectBytes,
      unprotectBytes,
    });
  }
}
save('srtp', results, versionsOf(['werift']));
