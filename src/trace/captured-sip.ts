/** The SIP messages of a capture, over UDP or TCP, whatever link they were captured on. What is encrypted, or in WebSocket frames, is not seen. */
import { Framer } from '../sip/message/framer.js';
import { type Endpoint, readIpPacket, readTcp, readUdp, TCP, UDP } from './ip-packet.js';
import type { TracedMessage } from './ladder.js';
import { type Frame, LINKTYPE_RAW, readCapture } from './pcap.js';
import { Fragments, StreamOrder } from './reassembly.js';

export interface CapturedSip {
  /** Each as seen by whoever sent it: `local` is the sender. */
  readonly messages: readonly TracedMessage[];
  readonly packets: number;
  /** Why reading stopped before the end, or why there is nothing. */
  readonly damage: string | undefined;
}

const MOST_MESSAGES = 100_000;
const MOST_CONNECTIONS = 1000;
const SIP_START = /^(?:SIP\/2\.0 \d{3} |[A-Za-z-]{1,32} [^ \r\n]{1,512} SIP\/2\.0\r?\n)/;

interface Connection {
  readonly order: StreamOrder;
  framer: Framer | undefined;
}

export function sipOfCapture(file: Uint8Array): CapturedSip {
  const { frames, damage } = readCapture(file);
  const fragments = new Fragments();
  const connections = new Map<string, Connection>();
  const messages: TracedMessage[] = [];
  for (const frame of frames) {
    if (messages.length >= MOST_MESSAGES) return { messages, packets: frames.length, damage: `more than ${MOST_MESSAGES} messages` };
    const content = ipOf(frame);
    const piece = content && readIpPacket(content);
    const packet = piece && fragments.add(piece);
    if (packet === undefined) continue;
    const told = (from: Endpoint, to: Endpoint, bytes: Uint8Array): void =>
      void messages.push({ direction: 'out', bytes, local: from, remote: to, wall: frame.wall });
    if (packet.protocol === UDP) {
      const datagram = readUdp(packet.payload);
      if (datagram === undefined || !isSip(datagram.payload)) continue;
      const { sourcePort, destinationPort, payload } = datagram;
      told({ address: packet.source, port: sourcePort }, { address: packet.destination, port: destinationPort }, payload);
    } else if (packet.protocol === TCP) {
      const segment = readTcp(packet.payload);
      if (segment === undefined) continue;
      const from = { address: packet.source, port: segment.sourcePort };
      const to = { address: packet.destination, port: segment.destinationPort };
      const connection = connectionOf(connections, from, to);
      if (segment.isFirst) connection.framer = undefined;
      const { isBroken, chunks } = connection.order.add(segment);
      if (isBroken) connection.framer = undefined;
      for (const chunk of chunks) for (const bytes of framed(connection, chunk)) told(from, to, bytes);
    }
  }
  return { messages, packets: frames.length, damage };
}

/** From the first segment on that begins a message; after what is no SIP, from the next that does. */
function framed(connection: Connection, chunk: Uint8Array): Uint8Array[] {
  if (connection.framer === undefined) {
    if (!isSip(chunk)) return [];
    connection.framer = new Framer();
  }
  const found: Uint8Array[] = [];
  for (const frame of connection.framer.push(chunk)) {
    if (frame.type === 'message') found.push(frame.bytes);
    else if (frame.type === 'broken') connection.framer = undefined;
  }
  return found;
}

function connectionOf(connections: Map<string, Connection>, from: Endpoint, to: Endpoint): Connection {
  const key = `${from.address} ${from.port} ${to.address} ${to.port}`;
  let connection = connections.get(key);
  if (connection === undefined) {
    if (connections.size >= MOST_CONNECTIONS) connections.delete(connections.keys().next().value!);
    connection = { order: new StreamOrder(), framer: undefined };
    connections.set(key, connection);
  }
  return connection;
}

function isSip(bytes: Uint8Array): boolean {
  return SIP_START.test(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 600)).toString('latin1'));
}

/** Where the IP packet begins in a frame; undefined where there is none. */
function ipOf({ linkType, bytes }: Frame): Uint8Array | undefined {
  switch (linkType) {
    case LINKTYPE_RAW:
    case 12: // RAW as some systems number it
    case 14:
    case 228: // IPv4
    case 229: // IPv6
      return bytes;
    case 0: // BSD loopback
    case 108:
      return bytes.subarray(4);
    case 1: // Ethernet
      return afterEtherType(bytes, 12);
    case 113: // Linux "any"
      return afterEtherType(bytes, 14);
    case 276: // and its second version, whose type comes first
      return bytes.length > 20 && isType(bytes, 0, IP) ? bytes.subarray(20) : undefined;
    default:
      return undefined;
  }
}

/** Past VLAN tags (802.1Q, 802.1ad), two at most, and a PPPoE session (RFC 2516), as DSL lines have it. */
function afterEtherType(bytes: Uint8Array, typeAt: number): Uint8Array | undefined {
  let at = typeAt;
  for (let tags = 0; tags < 2 && isType(bytes, at, VLAN); tags++) at += 4;
  if (isType(bytes, at, [0x8864])) return isType(bytes, at + 8, PPP_IP) ? bytes.subarray(at + 10) : undefined;
  return isType(bytes, at, IP) ? bytes.subarray(at + 2) : undefined;
}

const IP: readonly number[] = [0x0800, 0x86dd];
const PPP_IP: readonly number[] = [0x0021, 0x0057];
const VLAN: readonly number[] = [0x8100, 0x88a8];

function isType(bytes: Uint8Array, at: number, types: readonly number[]): boolean {
  return at + 2 < bytes.length && types.includes((bytes[at]! << 8) | bytes[at + 1]!);
}
