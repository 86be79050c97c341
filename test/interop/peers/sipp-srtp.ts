/**
 * What SIPp 3.8 received as SRTP, read from its own debug files: whether it authenticated it, and, decrypted with the SSRC of the packets as RFC
 * 3711 §4.1.1 says (node:crypto, nothing of ours), whether it is the pattern that SIPp sent.
 */
import { createDecipheriv, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

const TAG_BYTES = 10;
const HEADER_BYTES = 12;

interface Keys {
  readonly encryption: Buffer;
  readonly authentication: Buffer;
  readonly salt: Buffer;
}

function aesCounter(key: Buffer, iv: Buffer, input: Buffer): Buffer {
  return createDecipheriv('aes-128-ctr', key, iv).update(input);
}

/** §4.3, with a derivation rate of 0. */
function keysOf(inline: string): Keys {
  const master = Buffer.from(inline, 'base64');
  const derive = (label: number, bytes: number): Buffer => {
    const iv = Buffer.concat([master.subarray(16, 30), Buffer.alloc(2)]);
    iv[7]! ^= label;
    return aesCounter(master.subarray(0, 16), iv, Buffer.alloc(bytes));
  };
  return { encryption: derive(0, 16), authentication: derive(1, 20), salt: derive(2, 14) };
}

function isAuthentic(packet: Buffer, { authentication }: Keys): boolean {
  const hmac = createHmac('sha1', authentication).update(packet.subarray(0, -TAG_BYTES)).update(Buffer.alloc(4)).digest();
  return hmac.subarray(0, TAG_BYTES).equals(packet.subarray(-TAG_BYTES));
}

/** §4.1.1: the IV of roll-over 0. */
function payloadOf(packet: Buffer, { encryption, salt }: Keys): Buffer {
  const iv = Buffer.concat([salt, Buffer.alloc(2)]);
  for (let i = 0; i < 4; i++) iv[4 + i]! ^= packet[8 + i]!;
  for (let i = 0; i < 2; i++) iv[12 + i]! ^= packet[2 + i]!;
  return aesCounter(encryption, iv, packet.subarray(HEADER_BYTES, -TAG_BYTES));
}

export function patternsInSrtp(folder: string): string {
  const record = readFileSync(join(folder, 'debugafile'), 'latin1');
  const verdicts = [...record.matchAll(/processIncomingPacket\(\) rc == +(-?\d+)/g)].map((match) => match[1]);
  const contexts = readFileSync(join(folder, 'srtpctxdebugfile_uac'), 'latin1');
  const keys = [...contexts.matchAll(/RX-UAC-AUDIO SRTP context -- primary master key\/salt: ([^,]+),/g)].map((match) => keysOf(match[1]!));
  const packets = [...record.matchAll(/RECV LOG: +\d+ 0x\w+ \d+ \[([0-9A-F]+)\]/g)].map((match) => Buffer.from(match[1]!, 'hex'));
  const heard = packets.map((packet) => {
    const key = keys.find((one) => isAuthentic(packet, one));
    const values = key === undefined ? [] : [...new Set(payloadOf(packet, key))];
    return values.length === 1 ? values[0]! : -1;
  });
  const patterns = new Set([0xaa, 0xbb]);
  const right = heard.filter((value) => patterns.has(value)).length;
  expect(contexts).toContain('RX-UAC-AUDIO SRTP context - ssrc:0xca110000');
  expect(verdicts.length).toBeGreaterThan(30);
  expect(new Set(verdicts)).toEqual(new Set(['0']));
  expect(right / packets.length).toBeGreaterThan(0.85);
  return `shown: SIPp authenticated all it looked at, and its record of ${packets.length} packets, decrypted by their SSRC, has its pattern in ${right}`;
}
