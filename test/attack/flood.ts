/** Floods that no tool of others does: RTP at a port, SIP from a thousand addresses of the loopback, connections that never finish a message. */
import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';
import { address, BOT, type FloodStart } from './wire.js';

const lookup = (host: string, _options: unknown, callback: (error: null, address: string, family: number) => void): void =>
  callback(null, host, 4);

async function socketAt(host: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', lookup: lookup as never });
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  return socket;
}

/** So many a second, in handfuls each millisecond, and no more than three milliseconds' worth at once when late; how many left. */
async function paced({ perS, seconds }: FloodStart, send: (i: number) => void): Promise<number> {
  const start = performance.now();
  let done = 0;
  let skipped = 0;
  while (performance.now() - start < seconds * 1000) {
    const due = Math.floor(((performance.now() - start) / 1000) * perS) - skipped;
    const most = done + Math.ceil((perS * 3) / 1000);
    skipped += Math.max(0, due - most);
    for (const until = Math.min(due, most); done < until; done++) send(done);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return done;
}

async function rtp(start: FloodStart): Promise<number> {
  const socket = await socketAt(address(90));
  const packet = Buffer.alloc(172, 0x55);
  packet.writeUInt16BE(0x8000, 0);
  return paced(start, (i) => {
    packet.writeUInt16BE(i & 0xffff, 2);
    packet.writeUInt32BE((i * 160) >>> 0, 4);
    // Now and then the SSRC of the honest caller, which is the hardest to tell from him.
    packet.writeUInt32BE(i % 4 === 0 ? 1000 : i, 8);
    socket.send(packet, start.port, BOT);
  });
}

/** From nothing at all to the longest that UDP carries, most of them with the honest caller's SSRC. */
async function oddSizes(start: FloodStart): Promise<number> {
  const socket = await socketAt(address(92));
  const lengths = [0, 1, 2, 11, 12, 13, 4000, 172, 1500, 8, 65_507, 4];
  const bytes = Buffer.alloc(65_507, 0x55);
  bytes.writeUInt32BE(1000, 8);
  return paced(start, (i) => {
    // Every other with a header that claims more than there is: fifteen sources, an extension of 256 KiB, padding of 255.
    bytes[0] = i % 2 === 0 ? 0x80 : 0xbf;
    bytes[1] = i % 3 === 0 ? 0 : i & 0xff;
    bytes.writeUInt16BE(i & 0xffff, 2);
    socket.send(bytes, 0, lengths[i % lengths.length]!, start.port, BOT);
  });
}

/** Goodbyes in the honest caller's name, reports of a stream lost and of round trips that were none, a million members; at both ports of the pair. */
async function rtcpLies(start: FloodStart): Promise<number> {
  const socket = await socketAt(address(93));
  const bye = Buffer.from([0x81, 203, 0, 1, 0, 0, 0x03, 0xe8]);
  const report = Buffer.alloc(32, 0xff);
  report.set([0x81, 201, 0, 7]);
  const sender = Buffer.alloc(28, 0x7f);
  sender.set([0x80, 200, 0, 6]);
  return paced(start, (i) => {
    report.writeUInt32BE(i % 2 === 0 ? 1000 : i, 4);
    sender.writeUInt32BE(i, 4);
    const bytes = [bye, report, sender, Buffer.concat([report, bye])][i % 4]!;
    socket.send(bytes, start.port + ((i >> 2) & 1), BOT);
  });
}

async function manySources(start: FloodStart): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: 1000 }, (_, i) => socketAt(`127.1.${i >> 8}.${i & 255}`)));
  const methods = ['INVITE', 'REGISTER', 'OPTIONS', 'SUBSCRIBE'];
  return paced(start, (i) => {
    const method = methods[i % methods.length]!;
    const text = [
      `${method} sip:100@${BOT} SIP/2.0`,
      `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${i};rport`,
      `From: <sip:${i}@192.0.2.1>;tag=${i}`,
      `To: <sip:100@${BOT}>`,
      `Call-ID: ${i}`,
      `CSeq: 1 ${method}`,
      'Contact: <sip:192.0.2.1>',
      'Content-Length: 0',
    ];
    sockets[i % sockets.length]!.send(`${text.join('\r\n')}\r\n\r\n`, 5060, BOT);
  });
}

/** A thousand connections that say one letter a second. */
async function slowLoris({ seconds }: FloodStart): Promise<number> {
  const words = `INVITE sip:100@${BOT} SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\nX-Slow: `;
  let opened = 0;
  const open = (): void => {
    const socket = connect({ host: BOT, port: 5060, localAddress: address(91) });
    let at = 0;
    socket.on('error', () => {});
    socket.on('connect', () => {
      opened++;
      const timer = setInterval(() => socket.write(words[at++ % words.length]!), 1000);
      socket.on('close', () => clearInterval(timer));
    });
  };
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    for (let i = 0; i < 20; i++) open();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return opened;
}

process.on('message', async (start: FloodStart) => {
  const count = await { rtp, 'odd-sizes': oddSizes, 'rtcp-lies': rtcpLies, 'many-sources': manySources, 'slow-loris': slowLoris }[
    start.kind
  ](start);
  process.send!(count);
  setTimeout(() => process.exit(0), 50);
});
process.send!('ready');
