/**
 * A recorded dialog as a text that people read and tools compare:
 *
 *   # what it shows, in one line
 *   # peer: Asterisk 22.10, recorded 2026-11-20
 *   bot {"uri":"sip:6001@127.0.0.62"}                       what our side was made with
 *   @120 do dial sip:600@127.0.0.62:5060                    what our application did, milliseconds after the beginning
 *   @123 out udp 127.0.0.61:5060 127.0.0.62:5060            a message of ours, and of theirs (`in`): always from us to them
 *   | INVITE sip:600@127.0.0.62:5060 SIP/2.0
 *   @140 told call 1 answered                               what our application was told
 *
 * RTP that came in may stand beside it, in a pcap of the same name. Bytes that are not printable ASCII stand as \xNN, so that any editor keeps the file as it is.
 */
import type { SipBotOptions } from '../../src/bot.js';
import { readIpPacket, readUdp } from '../../src/trace/ip-packet.js';
import { type Datagram, readCapture } from '../../src/trace/pcap.js';

export interface WireEvent {
  readonly type: 'in' | 'out';
  readonly atMs: number;
  readonly transport: string;
  readonly local: string;
  readonly remote: string;
  /** Latin-1: one character a byte. */
  readonly text: string;
}

export interface WordEvent {
  readonly type: 'do' | 'told';
  readonly atMs: number;
  readonly words: string;
}

export type TraceEvent = WireEvent | WordEvent;

export interface TraceFile {
  readonly shows: string;
  readonly peer: string;
  readonly bot: SipBotOptions;
  readonly events: readonly TraceEvent[];
}

export function isWire(event: TraceEvent): event is WireEvent {
  return event.type === 'in' || event.type === 'out';
}

export function writeTrace({ shows, peer, bot, events }: TraceFile): string {
  const lines = [`# ${shows}`, `# peer: ${peer}`, `bot ${JSON.stringify(bot)}`];
  for (const event of events) {
    const stamp = `@${Math.round(event.atMs)} ${event.type}`;
    if (!isWire(event)) lines.push(`${stamp} ${event.words}`);
    else {
      lines.push(`${stamp} ${event.transport} ${event.local} ${event.remote}`);
      for (const line of event.text.split('\r\n')) lines.push(line === '' ? '|' : `| ${escaped(line)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

export function readTrace(text: string): TraceFile {
  const [shows = '', peer = '', bot = '', ...lines] = text.split('\n');
  if (!shows.startsWith('# ') || !peer.startsWith('# peer: ') || !bot.startsWith('bot '))
    throw new Error('a trace begins with what it shows, its peer and its bot');
  const events: TraceEvent[] = [];
  for (let i = 0; i < lines.length && lines[i] !== ''; i++) {
    const [, at, type, rest = ''] = /^@(\d+) (do|told|in|out) (.*)$/.exec(lines[i]!) ?? [];
    if (at === undefined) throw new Error(`line ${i + 4} is no event: ${lines[i]}`);
    const atMs = Number(at);
    if (type === 'do' || type === 'told') {
      events.push({ type, atMs, words: rest });
      continue;
    }
    const [transport = '', local = '', remote = ''] = rest.split(' ');
    const message: string[] = [];
    while (lines[i + 1]?.startsWith('|') === true) message.push(plain(lines[++i]!.slice(2)));
    events.push({ type: type as 'in' | 'out', atMs, transport, local, remote, text: message.join('\r\n') });
  }
  return { shows: shows.slice(2), peer: peer.slice(8), bot: JSON.parse(bot.slice(4)) as SipBotOptions, events };
}

/** The RTP beside a trace: `wall` is milliseconds since the beginning. */
export function readRtp(pcap: Uint8Array): Datagram[] {
  return readCapture(pcap).frames.flatMap(({ bytes, wall }) => {
    const packet = readIpPacket(bytes);
    const datagram = packet && readUdp(packet.payload);
    if (packet === undefined || datagram === undefined) return [];
    const from = { address: packet.source, port: datagram.sourcePort };
    return [{ from, to: { address: packet.destination, port: datagram.destinationPort }, bytes: datagram.payload, wall }];
  });
}

function escaped(line: string): string {
  return line.replace(/[^ -[\]-~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function plain(line: string): string {
  return line.replace(/\\x([0-9a-f]{2})/g, (_whole, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
