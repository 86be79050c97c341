/** Reads pcap and pcapng captures as far as these tests need it: Ethernet or raw IPv4, UDP and TCP payloads by frame number. */

export interface Packet {
  readonly frame: number;
  readonly protocol: 'udp' | 'tcp';
  /** 'address:port>address:port' */
  readonly path: string;
  /** TCP sequence number; 0 for UDP. */
  readonly sequence: number;
  readonly isFragment: boolean;
  readonly payload: Buffer;
}

export const readCapture = (file: Buffer): Packet[] => {
  const frames = file.readUInt32BE(0) === 0x0a0d0d0a ? readPcapng(file) : readPcap(file);
  return frames.flatMap((bytes, index) => readFrame(bytes, index + 1) ?? []);
};

const readPcap = (file: Buffer): Buffer[] => {
  const frames: Buffer[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    frames.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
};

/** Enhanced packet blocks (type 6) alone. */
const readPcapng = (file: Buffer): Buffer[] => {
  const frames: Buffer[] = [];
  for (let at = 0; at + 12 <= file.length; at += file.readUInt32LE(at + 4)) {
    if (file.readUInt32LE(at) === 6) frames.push(file.subarray(at + 28, at + 28 + file.readUInt32LE(at + 20)));
  }
  return frames;
};

const readFrame = (bytes: Buffer, frame: number): Packet | undefined => {
  const at = ipAt(bytes);
  if (at === -1) return undefined;
  const protocol = bytes[at + 9];
  if (protocol !== 17 && protocol !== 6) return undefined;
  const address = (from: number): string => [...bytes.subarray(from, from + 4)].join('.');
  const total = bytes.readUInt16BE(at + 2);
  const fragment = bytes.readUInt16BE(at + 6);
  const next = at + (bytes[at]! & 15) * 4;
  const header = protocol === 17 ? 8 : (bytes[next + 12]! >> 4) * 4;
  return {
    frame,
    protocol: protocol === 17 ? 'udp' : 'tcp',
    path: `${address(at + 12)}:${bytes.readUInt16BE(next)}>${address(at + 16)}:${bytes.readUInt16BE(next + 2)}`,
    sequence: protocol === 17 ? 0 : bytes.readUInt32BE(next + 4),
    isFragment: (fragment & 0x3fff) !== 0,
    payload: bytes.subarray(next + header, at + total),
  };
};

const ipAt = (bytes: Buffer): number => {
  if (bytes.length > 34 && bytes.readUInt16BE(12) === 0x0800) return 14;
  if (bytes.length > 38 && bytes.readUInt16BE(12) === 0x8100 && bytes.readUInt16BE(16) === 0x0800) return 18;
  // PPPoE session (RFC 2516) around PPP's IPv4.
  if (bytes.length > 42 && bytes.readUInt16BE(12) === 0x8864 && bytes.readUInt16BE(20) === 0x0021) return 22;
  if (bytes.length > 36 && bytes.readUInt16BE(14) === 0x0800) return 16;
  return bytes.length > 20 && bytes[0]! >> 4 === 4 ? 0 : -1;
};
