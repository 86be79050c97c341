/**
 * Fifty honest calls, by hand: INVITE, ACK, a packet of G.711 each 20 ms, BYE. Nothing of sipbot is in them. They say what comes back: what is missing by
 * sequence number, and how late each packet is on the line through the earliest of its stream.
 */
import { createSocket, type Socket } from 'node:dgram';
import { BOT, CALLS, type CallerReport, HONEST } from './wire.js';

interface Call {
  readonly id: number;
  readonly rtp: Socket;
  readonly packet: Buffer;
  toTag: string;
  port: number;
  sequence: number;
  isUp: boolean;
  // What is heard.
  base: number;
  last: number;
  earliest: number;
}

const lookup = (host: string, _options: unknown, callback: (error: null, address: string, family: number) => void): void =>
  callback(null, host, 4);
const bind = (socket: Socket, port: number): Promise<void> => new Promise((resolve) => socket.bind(port, HONEST, resolve));

const sip = createSocket({ type: 'udp4', lookup: lookup as never });
const calls: Call[] = [];
let lateness: number[] = [];
let ownLateness: number[] = [];
let sent = 0;
let received = 0;
let lost = 0;

function message(method: string, call: Call, cseq: number, body = ''): string {
  return [
    `${method} sip:echo@${BOT} SIP/2.0`,
    `Via: SIP/2.0/UDP ${HONEST}:5060;branch=z9hG4bK${method}${call.id};rport`,
    `From: <sip:honest@${HONEST}>;tag=h${call.id}`,
    `To: <sip:echo@${BOT}>${call.toTag === '' ? '' : `;tag=${call.toTag}`}`,
    `Call-ID: honest-${call.id}`,
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    `Contact: <sip:honest@${HONEST}:5060>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

function invite(call: Call): void {
  const { port } = call.rtp.address();
  const sdp = ['v=0', `o=- 1 1 IN IP4 ${HONEST}`, 's=-', `c=IN IP4 ${HONEST}`, 't=0 0', `m=audio ${port} RTP/AVP 0`, 'a=ptime:20', ''].join(
    '\r\n',
  );
  sip.send(message('INVITE', call, 1, sdp), 5060, BOT);
}

function onSip(text: string): void {
  const id = Number(/^Call-ID: honest-(\d+)/im.exec(text)?.[1]);
  const call = calls[id];
  if (call === undefined) return;
  if (/^SIP\/2\.0 200/.test(text) && /^CSeq: 1 INVITE/im.test(text)) {
    call.toTag = /^To:.*;tag=([^\r;]+)/im.exec(text)![1]!;
    call.port = Number(/^m=audio (\d+)/m.exec(text)![1]);
    call.isUp = true;
    sip.send(message('ACK', call, 1), 5060, BOT);
  } else if (/^BYE /.test(text)) {
    call.isUp = false;
    const copied = text.match(/^(Via|From|To|Call-ID|CSeq):.*$/gim)!.join('\r\n');
    sip.send(`SIP/2.0 200 OK\r\n${copied}\r\nContent-Length: 0\r\n\r\n`, 5060, BOT);
  } else if (/^SIP\/2\.0 200/.test(text)) call.isUp = false;
}

function onRtp(call: Call, bytes: Buffer): void {
  const now = performance.now();
  if (bytes.length < 12 || (bytes[1]! & 0x7f) !== 0) return;
  const sequence = bytes.readUInt16BE(2);
  received++;
  if (call.last < 0) {
    call.base = bytes.readUInt32BE(4);
    call.last = sequence;
  }
  const step = (sequence - call.last) & 0xffff;
  if (step > 0 && step < 0x8000) {
    lost += step - 1;
    call.last = sequence;
  }
  const line = now - ((bytes.readUInt32BE(4) - call.base) >>> 0) / 8;
  call.earliest = Math.min(call.earliest, line);
  lateness.push(line - call.earliest);
}

/** Each call at its own moment of the 20 ms, on an absolute line. */
function speak(): void {
  const start = performance.now();
  let turn = 0;
  const next = (): void => {
    for (;;) {
      const due = start + (turn * 20) / CALLS;
      const now = performance.now();
      if (now < due) {
        setTimeout(next, Math.max(0, due - now));
        return;
      }
      const call = calls[turn % CALLS]!;
      turn++;
      if (!call.isUp) continue;
      call.packet.writeUInt16BE(call.sequence & 0xffff, 2);
      call.packet.writeUInt32BE((call.sequence * 160) >>> 0, 4);
      call.sequence++;
      call.rtp.send(call.packet, call.port, BOT);
      sent++;
      ownLateness.push(now - due);
    }
  };
  next();
}

function report(): CallerReport {
  const late = lateness.sort((a, b) => a - b);
  const own = ownLateness.sort((a, b) => a - b);
  const at = (values: readonly number[], q: number): number => values[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0;
  const told = {
    calls: calls.filter(({ isUp }) => isUp).length,
    sent,
    received,
    lost,
    lateP99: at(late, 0.99),
    lateMax: at(late, 1),
    ownP99: at(own, 0.99),
    rtpPort: calls[0]!.port,
  };
  lateness = [];
  ownLateness = [];
  [sent, received, lost] = [0, 0, 0];
  return told;
}

process.on('message', (what: string) => {
  if (what === 'report') process.send!(report());
  else for (const call of calls) if (call.isUp) sip.send(message('BYE', call, 2), 5060, BOT);
});

sip.on('message', (bytes) => onSip(bytes.toString('latin1')));
await bind(sip, 5060);
for (let id = 0; id < CALLS; id++) {
  const rtp = createSocket({ type: 'udp4', lookup: lookup as never, recvBufferSize: 1 << 20 });
  await bind(rtp, 0);
  const packet = Buffer.alloc(172, 0xff);
  packet.writeUInt16BE(0x8000, 0);
  packet.writeUInt32BE(1000 + id, 8);
  // A tone, so that there is something to lose: 400 Hz in µ-law, loud and soft by turns.
  for (let i = 0; i < 160; i++) packet[12 + i] = i % 20 < 10 ? 0x90 : 0x10;
  const call: Call = { id, rtp, packet, toTag: '', port: 0, sequence: 0, isUp: false, base: 0, last: -1, earliest: Infinity };
  rtp.on('message', (bytes) => onRtp(call, bytes));
  calls.push(call);
  invite(call);
  await new Promise((resolve) => setTimeout(resolve, 20));
}
speak();
process.send!('ready');
