import { createCipheriv, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { writeRtp } from '../../../src/rtp/header.js';
import { SrtpContext } from '../../../src/rtp/srtp/context.js';
import { type CryptoKeys, type CryptoSuite, cryptoKeyLength, cryptoKeysFrom } from '../../../src/rtp/srtp/crypto-line.js';
import { deriveKeys } from '../../../src/rtp/srtp/keys.js';

const SUITES: readonly CryptoSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AES_192_CM_HMAC_SHA1_80',
  'AES_192_CM_HMAC_SHA1_32',
  'AES_256_CM_HMAC_SHA1_80',
  'AES_256_CM_HMAC_SHA1_32',
  'AEAD_AES_128_GCM',
  'AEAD_AES_256_GCM',
];
const ROOM = 64;

function keysOf(suite: CryptoSuite, mki?: Uint8Array): CryptoKeys {
  const keys = cryptoKeysFrom(suite, Buffer.from(Array.from({ length: cryptoKeyLength(suite) }, (_, i) => (i * 37 + 11) & 0xff)));
  return mki === undefined ? keys : { ...keys, mki };
}

function rtp(sequence: number, { ssrc = 0xcafebabe, payload = 160 } = {}): Buffer {
  const packet = Buffer.alloc(12 + payload);
  writeRtp(packet, { payloadType: 0, marker: false, sequence: sequence & 0xffff, timestamp: (sequence * 160) >>> 0, ssrc });
  for (let i = 12; i < packet.length; i++) packet[i] = (sequence + i) & 0xff;
  return packet;
}

function rtcp(ssrc = 0xcafebabe): Buffer {
  const packet = Buffer.alloc(28, 0x5a);
  packet.set([0x80, 200, 0, 6]);
  packet.writeUInt32BE(ssrc, 4);
  return packet;
}

const seal = (work: (bytes: Uint8Array, length: number) => number, clear: Uint8Array): Buffer => {
  const bytes = Buffer.concat([clear, Buffer.alloc(ROOM)]);
  const length = work(bytes, clear.length);
  return length < 0 ? Buffer.alloc(0) : bytes.subarray(0, length);
};
const protectRtp = (context: SrtpContext, clear: Uint8Array) => seal((bytes, length) => context.protectRtp(bytes, length), clear);
const protectRtcp = (context: SrtpContext, clear: Uint8Array) => seal((bytes, length) => context.protectRtcp(bytes, length), clear);

/** The clear packet as hex; undefined when it was refused, and then not a byte of it has changed. */
function unprotectRtp(context: SrtpContext, sealed: Uint8Array): string | undefined {
  const bytes = Buffer.from(sealed);
  const length = context.unprotectRtp(bytes, bytes.length);
  if (length >= 0) return bytes.toString('hex', 0, length);
  expect(bytes.equals(sealed)).toBe(true);
  return undefined;
}
function unprotectRtcp(context: SrtpContext, sealed: Uint8Array): string | undefined {
  const bytes = Buffer.from(sealed);
  const length = context.unprotectRtcp(bytes, bytes.length);
  if (length >= 0) return bytes.toString('hex', 0, length);
  expect(bytes.equals(sealed)).toBe(true);
  return undefined;
}

describe('whole packets', () => {
  const clear = `800f1234decafbadcafebabe${'ab'.repeat(16)}`;
  const clearRtcp = `81c8000bcafebabe${'ab'.repeat(16)}`;

  test('the packets that libsrtp checks itself with: AES-CM 128, HMAC-SHA1-80, and AES-GCM 128', () => {
    const counter = new SrtpContext({
      suite: 'AES_CM_128_HMAC_SHA1_80',
      masterKey: Buffer.from('e1f97a0d3e018be0d64fa32c06de4139', 'hex'),
      masterSalt: Buffer.from('0ec675ad498afeebb6960b3aabe6', 'hex'),
    });
    expect(protectRtp(counter, Buffer.from(clear, 'hex')).toString('hex')).toBe(
      '800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb',
    );
    const gcm = new SrtpContext({
      suite: 'AEAD_AES_128_GCM',
      masterKey: Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'),
      masterSalt: Buffer.from('a0a1a2a3a4a5a6a7a8a9aaab', 'hex'),
    });
    expect(protectRtp(gcm, Buffer.from(clear, 'hex')).toString('hex')).toBe(
      '800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392',
    );
    // libsrtp counts its SRTCP packets from 1.
    protectRtcp(gcm, Buffer.from(clearRtcp, 'hex'));
    expect(protectRtcp(gcm, Buffer.from(clearRtcp, 'hex')).toString('hex')).toBe(
      '81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001',
    );
  });

  test.each(SUITES)('%s: what one protects the other opens, RTP and RTCP, over the wrap of the sequence number', (suite) => {
    const keys = keysOf(suite);
    const sender = new SrtpContext(keys);
    const receiver = new SrtpContext(keys);
    for (let n = 32_000; n < 32_000 + 70_000; n += n % 1000 < 20 ? 1 : 97) {
      const sealed = protectRtp(sender, rtp(n));
      expect(sealed.length).toBe(172 + sender.rtpOverhead);
      expect(sealed.subarray(0, 12).equals(rtp(n).subarray(0, 12))).toBe(true);
      expect(sealed.subarray(12, 28).equals(rtp(n).subarray(12, 28))).toBe(false);
      expect(unprotectRtp(receiver, sealed)).toBe(rtp(n).toString('hex'));
    }
    for (let n = 0; n < 5; n++) {
      const sealed = protectRtcp(sender, rtcp());
      expect(sealed.length).toBe(28 + sender.rtcpOverhead);
      expect(sealed.readUInt32BE(sealed.length - (suite.startsWith('AEAD') ? 4 : 14))).toBe(0x80000000 + n);
      expect(unprotectRtcp(receiver, sealed)).toBe(rtcp().toString('hex'));
    }
  });

  test('RFC 3711 §4 said again with node:crypto: tag over header, cipher text and counter; over the index for RTCP', () => {
    const keys = keysOf('AES_CM_128_HMAC_SHA1_32');
    const context = new SrtpContext(keys);
    const ctr = (key: Buffer, salt: Buffer, ssrc: number, index: number, text: Buffer) => {
      const iv = Buffer.alloc(16);
      iv.set(salt);
      iv.writeUInt32BE((iv.readUInt32BE(4) ^ ssrc) >>> 0, 4);
      iv.writeUInt16BE(iv.readUInt16BE(12) ^ index, 12);
      return createCipheriv('aes-128-ctr', key, iv).update(text);
    };
    const hmac = (key: Buffer, ...parts: Buffer[]) => createHmac('sha1', key).update(Buffer.concat(parts)).digest();
    const { cipher, salt, auth } = deriveKeys(keys, 'rtp');
    const clearRtp = rtp(5);
    const body = Buffer.concat([clearRtp.subarray(0, 12), ctr(cipher, salt, 0xcafebabe, 5, clearRtp.subarray(12))]);
    const tag = hmac(auth, body, Buffer.alloc(4)).subarray(0, 4);
    expect(protectRtp(context, clearRtp).toString('hex')).toBe(Buffer.concat([body, tag]).toString('hex'));

    const rtcpKeys = deriveKeys(keys, 'rtcp');
    const rest = ctr(rtcpKeys.cipher, rtcpKeys.salt, 0xcafebabe, 0, rtcp().subarray(8));
    const signed = Buffer.concat([rtcp().subarray(0, 8), rest, Buffer.from('80000000', 'hex')]);
    const sealed = Buffer.concat([signed, hmac(rtcpKeys.auth, signed).subarray(0, 10)]);
    expect(protectRtcp(context, rtcp()).toString('hex')).toBe(sealed.toString('hex'));
  });

  test('CSRCs and header extension stay clear, padding is enciphered', () => {
    for (const suite of SUITES) {
      const keys = keysOf(suite);
      const packet = Buffer.from(`b2000001000000a0cafebabe${'11111111'.repeat(2)}bede000122334455${'ab'.repeat(16)}00000004`, 'hex');
      const sealed = protectRtp(new SrtpContext(keys), packet);
      expect(sealed.toString('hex', 0, 28)).toBe(packet.toString('hex', 0, 28));
      expect(sealed[47]).not.toBe(4);
      expect(unprotectRtp(new SrtpContext(keys), sealed)).toBe(packet.toString('hex'));
    }
  });

  test('§3.1 the MKI stands where RFC 3711 and RFC 7714 put it, and another one is refused', () => {
    const mki = Buffer.from('a1b2c3d4', 'hex');
    for (const [suite, afterMki] of [
      ['AES_CM_128_HMAC_SHA1_80', 10],
      ['AEAD_AES_128_GCM', 0],
    ] as const) {
      const sender = new SrtpContext(keysOf(suite, mki));
      const sealed = protectRtp(sender, rtp(1));
      const at = sealed.length - afterMki - 4;
      expect(sealed.toString('hex', at, at + 4)).toBe('a1b2c3d4');
      const report = protectRtcp(sender, rtcp());
      expect(report.toString('hex', report.length - afterMki - 4, report.length - afterMki)).toBe('a1b2c3d4');
      expect(unprotectRtp(new SrtpContext(keysOf(suite)), sealed)).toBeUndefined();
      expect(unprotectRtp(new SrtpContext(keysOf(suite, Buffer.from('a1b2c3d5', 'hex'))), sealed)).toBeUndefined();
      const receiver = new SrtpContext(keysOf(suite, mki));
      expect(unprotectRtp(receiver, sealed)).toBe(rtp(1).toString('hex'));
      expect(unprotectRtcp(receiver, report)).toBe(rtcp().toString('hex'));
    }
  });
});

describe('what is not taken', () => {
  test.each(SUITES)('%s: a replay, one flipped bit, another key, a cut; none leaves a trace', (suite) => {
    const keys = keysOf(suite);
    const sender = new SrtpContext(keys);
    const receiver = new SrtpContext(keys);
    const first = protectRtp(sender, rtp(100));
    const second = protectRtp(sender, rtp(101));
    expect(unprotectRtp(receiver, second)).toBeDefined();
    for (let byte = 0; byte < first.length; byte++) {
      const bad = Buffer.from(first);
      bad[byte]! ^= 1 << (byte & 7);
      expect(unprotectRtp(receiver, bad)).toBeUndefined();
    }
    for (let length = 0; length < first.length; length++) expect(unprotectRtp(receiver, first.subarray(0, length))).toBeUndefined();
    expect(unprotectRtp(receiver, first)).toBe(rtp(100).toString('hex'));
    expect(unprotectRtp(receiver, first)).toBeUndefined();
    expect(unprotectRtp(receiver, second)).toBeUndefined();
    const stranger = { ...keys, masterKey: keys.masterKey.map((byte) => byte ^ 1) };
    expect(unprotectRtp(receiver, protectRtp(new SrtpContext(stranger), rtp(102)))).toBeUndefined();
    expect(unprotectRtp(receiver, rtp(102))).toBeUndefined();

    const report = protectRtcp(sender, rtcp());
    for (let byte = 0; byte < report.length; byte++) {
      const bad = Buffer.from(report);
      bad[byte]! ^= 1 << (byte & 7);
      expect(unprotectRtcp(receiver, bad)).toBeUndefined();
    }
    for (let length = 0; length < report.length; length++) expect(unprotectRtcp(receiver, report.subarray(0, length))).toBeUndefined();
    expect(unprotectRtcp(receiver, report)).toBe(rtcp().toString('hex'));
    expect(unprotectRtcp(receiver, report)).toBeUndefined();
    expect(unprotectRtcp(receiver, rtcp())).toBeUndefined();
  });

  test('a forged packet far ahead does not move the window: the counter comes from authentic ones only (§3.3 step 7)', () => {
    const keys = keysOf('AES_CM_128_HMAC_SHA1_80');
    const sender = new SrtpContext(keys);
    const receiver = new SrtpContext(keys);
    const packets = Array.from({ length: 10 }, (_, n) => protectRtp(sender, rtp(1000 + n)));
    expect(unprotectRtp(receiver, packets[0]!)).toBeDefined();
    const forged = Buffer.from(packets[0]!);
    for (const sequence of [1500, 20_000, 33_700, 33_800, 60_000]) {
      forged.writeUInt16BE(sequence, 2);
      expect(unprotectRtp(receiver, forged)).toBeUndefined();
    }
    for (const packet of packets.slice(1)) expect(unprotectRtp(receiver, packet)).toBeDefined();
  });

  test('SRTCP that says it is not encrypted, though authentic', () => {
    const keys = keysOf('AES_CM_128_HMAC_SHA1_80');
    const { auth } = deriveKeys(keys, 'rtcp');
    const signed = Buffer.concat([rtcp(), Buffer.from('00000000', 'hex')]);
    const clear = Buffer.concat([signed, createHmac('sha1', auth).update(signed).digest().subarray(0, 10)]);
    expect(unprotectRtcp(new SrtpContext(keys), clear)).toBeUndefined();
  });

  test('§9.1 one keystream never serves two packets: a sequence number used before is not protected again', () => {
    const context = new SrtpContext(keysOf('AES_CM_128_HMAC_SHA1_80'));
    expect(protectRtp(context, rtp(7)).length).toBeGreaterThan(0);
    expect(protectRtp(context, rtp(7)).length).toBe(0);
    expect(protectRtp(context, rtp(8)).length).toBeGreaterThan(0);
    expect(protectRtp(context, rtp(7, { ssrc: 2 })).length).toBeGreaterThan(0);
  });

  test('no room for the tag, no header, no source: -1, no throw', () => {
    for (const suite of SUITES) {
      const context = new SrtpContext(keysOf(suite));
      const exact = rtp(1);
      expect(context.protectRtp(exact, exact.length)).toBe(-1);
      expect(context.protectRtp(Buffer.alloc(100), 100)).toBe(-1);
      expect(context.protectRtcp(Buffer.alloc(100), 4)).toBe(-1);
      expect(context.unprotectRtp(Buffer.alloc(10), 60)).toBe(-1);
      expect(context.unprotectRtcp(Buffer.alloc(10), 60)).toBe(-1);
    }
  });
});

describe('sources, RFC 4568 §6.4', () => {
  test('each SSRC has a counter of its own, known when it first speaks', () => {
    const keys = keysOf('AES_CM_128_HMAC_SHA1_80');
    const sender = new SrtpContext(keys);
    const receiver = new SrtpContext(keys);
    for (let n = 30_000; n < 70_000; n += 500) unprotectRtp(receiver, protectRtp(sender, rtp(n)));
    for (const sequence of [3, 5, 4]) {
      const other = protectRtp(sender, rtp(sequence, { ssrc: 2 }));
      expect(unprotectRtp(receiver, other)).toBe(rtp(sequence, { ssrc: 2 }).toString('hex'));
      const same = protectRtp(sender, rtp(70_000 + sequence));
      expect(unprotectRtp(receiver, same)).toBe(rtp(70_000 + sequence).toString('hex'));
    }
  });

  test('a sender that began just before the wrap and lost all that: its first packet heard has counter 1', () => {
    for (const suite of SUITES) {
      const sender = new SrtpContext(keysOf(suite));
      const receiver = new SrtpContext(keysOf(suite));
      for (let n = 65_530; n < 65_540; n++) protectRtp(sender, rtp(n));
      for (let n = 65_540; n < 65_560; n++) expect(unprotectRtp(receiver, protectRtp(sender, rtp(n)))).toBe(rtp(n).toString('hex'));
    }
  });

  test('strangers take no memory, and of authentic sources there are at most 64', () => {
    const keys = keysOf('AES_CM_128_HMAC_SHA1_80');
    const receiver = new SrtpContext(keys);
    const stranger = new SrtpContext({ ...keys, masterKey: new Uint8Array(16) });
    for (let ssrc = 1000; ssrc < 1060; ssrc++) expect(unprotectRtp(receiver, protectRtp(stranger, rtp(1, { ssrc })))).toBeUndefined();
    for (let ssrc = 0; ssrc < 100; ssrc++) {
      const opened = unprotectRtp(receiver, protectRtp(new SrtpContext(keys), rtp(1, { ssrc })));
      expect(opened !== undefined).toBe(ssrc < 64);
    }
    const sender = new SrtpContext(keys);
    protectRtp(sender, rtp(1, { ssrc: 63 }));
    expect(unprotectRtp(receiver, protectRtp(sender, rtp(2, { ssrc: 63 })))).toBeDefined();
  });
});
