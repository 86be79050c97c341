/** Captures made by hand: links, TCP segments and pcapng blocks, as bytes. */
import { writeUdpPacket } from '../../src/trace/ip-packet.js';

export const alice = { address: '192.0.2.1', port: 5060 };
export const bob = { address: '192.0.2.2', port: 5061 };

export function sip(cseq: number, body = ''): Buffer {
  return Buffer.from(
    `OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK${cseq}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c1\r\nCSeq: ${cseq} OPTIONS\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/** A TCP segment in IPv4, from alice to bob, checksums left out. */
export function tcp(sequence: number, payload: Uint8Array, flags = 0x18): Uint8Array {
  const segment = Buffer.alloc(20 + payload.length);
  segment.writeUInt16BE(alice.port, 0);
  segment.writeUInt16BE(bob.port, 2);
  segment.writeUInt32BE(sequence >>> 0, 4);
  segment[12] = 0x50;
  segment[13] = flags;
  segment.set(payload, 20);
  return ip(6, segment);
}

export function ip(protocol: number, payload: Uint8Array, fragment = 0, id = 0): Uint8Array {
  const packet = Buffer.alloc(20 + payload.length);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(id, 4);
  packet.writeUInt16BE(fragment, 6);
  packet[9] = protocol;
  packet.set([192, 0, 2, 1], 12);
  packet.set([192, 0, 2, 2], 16);
  packet.set(payload, 20);
  return packet;
}

export function udp(payload: Uint8Array): Uint8Array {
  return writeUdpPacket(alice, bob, payload);
}

export function ethernet(packet: Uint8Array, ...tags: number[]): Uint8Array {
  const vlan = tags.flatMap((tag) => [0x81, 0x00, tag >> 8, tag & 0xff]);
  return Uint8Array.of(...new Uint8Array(12), ...vlan, 0x08, 0x00, ...packet);
}

/** Classic pcap around any frames, in either byte order and resolution. */
export function pcap(linkType: number, frames: readonly Uint8Array[], { little = true, nano = false } = {}): Buffer {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    if (little) bytes.writeUInt32LE(value >>> 0);
    else bytes.writeUInt32BE(value >>> 0);
    return bytes;
  };
  const version = little ? Buffer.of(2, 0, 4, 0) : Buffer.of(0, 2, 0, 4);
  return Buffer.concat([
    ...[u32(nano ? 0xa1b23c4d : 0xa1b2c3d4), version, u32(0), u32(0), u32(65_535), u32(linkType)],
    ...frames.flatMap((frame, i) => [u32(1000 + i), u32(nano ? 500_000_000 : 500_000), u32(frame.length), u32(frame.length), frame]),
  ]);
}

/** pcapng: a section, its interfaces and enhanced packets `[interface, stamp, frame]`. */
export function pcapng(
  interfaces: readonly { readonly linkType: number; readonly resolution?: number }[],
  packets: readonly (readonly [number, number, Uint8Array])[],
): Buffer {
  const block = (type: number, body: Buffer): Buffer => {
    const length = 12 + Math.ceil(body.length / 4) * 4;
    const bytes = Buffer.alloc(length);
    bytes.writeUInt32LE(type, 0);
    bytes.writeUInt32LE(length, 4);
    body.copy(bytes, 8);
    bytes.writeUInt32LE(length, length - 4);
    return bytes;
  };
  const section = Buffer.alloc(16);
  section.writeUInt32LE(0x1a2b3c4d, 0);
  section.writeUInt16LE(1, 4);
  const described = interfaces.map(({ linkType, resolution }) => {
    const body = Buffer.alloc(8 + (resolution === undefined ? 0 : 12));
    body.writeUInt16LE(linkType, 0);
    if (resolution !== undefined) body.set([9, 0, 1, 0, resolution], 8);
    return block(1, body);
  });
  const enhanced = packets.map(([number, stamp, frame]) => {
    const body = Buffer.alloc(20 + frame.length);
    body.writeUInt32LE(number, 0);
    body.writeUInt32LE(Math.floor(stamp / 2 ** 32), 4);
    body.writeUInt32LE(stamp % 2 ** 32, 8);
    body.writeUInt32LE(frame.length, 12);
    body.writeUInt32LE(frame.length, 16);
    body.set(frame, 20);
    return block(6, body);
  });
  return Buffer.concat([block(0x0a0d0d0a, section), ...described, ...enhanced]);
}
