/** The grammars of SIP and SDP as fuzz targets: what is read can be written, what is written can be read, and nothing throws. */
import { readdirSync, readFileSync } from 'node:fs';
import { type CryptoSuite, cryptoKeyLength, cryptoKeysFrom, parseCryptoLine, writeCryptoLine } from '../../src/rtp/srtp/crypto-line.js';
import type { Capabilities } from '../../src/session/capabilities.js';
import { parseDtmfRelay } from '../../src/session/dtmf-relay.js';
import { answer, applyAnswer, offer } from '../../src/session/offer-answer.js';
import { isSdpFailure, parseSdp } from '../../src/session/sdp.js';
import { writeSdp } from '../../src/session/sdp-writer.js';
import { type Frame, Framer } from '../../src/sip/message/framer.js';
import { isStun, parseStun, writeBindingRequest, writeBindingResponse } from '../../src/sip/transport/stun.js';
import { digest } from '../sip/message/digest.js';
import { readTrace } from '../traces/trace-file.js';
import { assert, Choices, type Target } from './target.js';

const torture = new URL('../data/rfc4475/', import.meta.url);
const traces = new URL('../traces/recorded/', import.meta.url);
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Every message of every recorded dialog: one of each start line and length. */
function recorded(): string[] {
  const texts = new Map<string, string>();
  for (const name of readdirSync(traces).filter((file) => file.endsWith('.trace'))) {
    for (const event of readTrace(readFileSync(new URL(name, traces), 'utf8')).events)
      if ('text' in event) texts.set(`${event.text.split(' ', 2).join(' ')} ${event.text.length >> 5}`, event.text);
  }
  return [...texts.values()];
}

const messages = recorded();
const tortures = readdirSync(torture).map((name) => Uint8Array.from(readFileSync(new URL(name, torture))));
const sipWords = [
  ...[
    '"',
    '<',
    '>',
    ';',
    ',',
    ':',
    '=',
    '@',
    '?',
    '&',
    '%',
    '\\',
    '(',
    '[',
    ']',
    '\r\n',
    '\r\n ',
    '\0',
    '\t',
    '*',
    '%00',
    '%41',
    '::',
    '\u00e9',
  ],
  ...['sip:', 'sips:', 'tel:', 'SIP/2.0', 'SIP/2.0/UDP ', ';tag=', ';branch=z9hG4bK', ';lr', ';rport', ';received=', ';q=0.5', ';expires='],
  ...[
    'Via: ',
    'v:',
    'Contact: *',
    'l:',
    'Content-Length: ',
    'CSeq: 1 ',
    'Require: ',
    'Record-Route: ',
    'Route: ',
    'Refer-To: ',
    'Replaces: ',
  ],
  ...[
    'Session-Expires: ',
    'RAck: ',
    'RSeq: ',
    'Event: ',
    'Subscription-State: ',
    'Authorization: Digest ',
    'Content-Type: multipart/mixed;boundary=',
  ],
  ...['4294967295', '4294967296', '-1', '99999999999999999999', '1e9', '0x10', '256.1.1.1', '[::1]', '[::ffff:1.2.3.4]'],
];

export const message: Target = {
  name: 'message',
  seeds: [...tortures, ...messages.map(bytesOf)],
  words: sipWords,
  share: 2,
  run: (input) => void digest(input),
};

const shown = (frames: readonly Frame[]): string[] =>
  frames
    .filter((frame) => frame.type !== 'pong')
    .map((frame) => (frame.type === 'message' ? Buffer.from(frame.bytes).toString('latin1') : frame.type));

export const framer: Target = {
  name: 'framer',
  // The first bytes say how it is cut.
  seeds: messages.slice(0, 60).map((text, i) => bytesOf(`\x10\x40\xff${text}${messages[i + 1] ?? ''}\r\n\r\n`)),
  words: sipWords,
  run: (input) => {
    const sizes = [...input.subarray(0, 3)].map((byte) => byte + 1);
    const stream = input.subarray(3);
    const limits = { headBytes: 4096, bodyBytes: 4096 };
    const whole = shown(new Framer(limits).push(stream));
    const cut = new Framer(limits);
    const pieces: string[] = [];
    for (let at = 0, i = 0; at < stream.length; at += sizes[i++ % 3]!) {
      for (const text of shown(cut.push(stream.subarray(at, at + sizes[i % 3]!)))) pieces.push(text);
      assert(cut.pendingBytes <= 4096 * 2 + 256, `the framer holds ${cut.pendingBytes} bytes`);
    }
    assert(JSON.stringify(pieces) === JSON.stringify(whole), `cut otherwise, framed otherwise: ${JSON.stringify([pieces, whole])}`);
    for (const text of whole) if (text.length > 6) digest(bytesOf(text));
  },
};

const SUITES: readonly CryptoSuite[] = ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_256_GCM'];
const keys = SUITES.map((suite) => cryptoKeysFrom(suite, new Uint8Array(cryptoKeyLength(suite)).fill(7)));
const us: Capabilities = { address: '192.0.2.1', port: 4000, codecs: ['opus', 'g722', 'pcmu', 'pcma'], keys };
const wants: readonly Capabilities[] = [
  us,
  { ...us, srtp: 'accept', codecOrder: 'ours', direction: 'sendonly' },
  { ...us, srtp: 'optional', comfortNoise: 'offer', rtcpMux: 'offer' },
  { ...us, srtp: 'required', telephoneEvent: false, ptimeMs: 40 },
];
const offers = wants.map((want) => offer(want));

export const sdp: Target = {
  name: 'sdp',
  seeds: [
    ...messages.filter((text) => text.includes('\r\n\r\nv=0')).map((text) => bytesOf(text.slice(text.indexOf('\r\n\r\nv=0') + 4))),
    ...offers.map((made) => bytesOf(made.sdp)),
  ],
  words: [
    ...[
      '\r\n',
      '\n',
      ' ',
      ':',
      ';',
      '=',
      '/',
      '-1',
      '0',
      '65535',
      '65536',
      '4294967296',
      '96',
      '127',
      '128',
      '::1',
      '0.0.0.0',
      '224.0.0.1/127',
    ],
    ...[
      'v=0\r\n',
      'o=- 1 1 IN IP4 ',
      'c=IN IP4 ',
      'c=IN IP6 ',
      'm=audio 4000 RTP/AVP ',
      'm=audio 0 RTP/SAVP 0',
      'm=video 1 UDP/TLS/RTP/SAVPF 96',
    ],
    ...['a=rtpmap:', 'a=fmtp:', 'a=ptime:', 'a=maxptime:', 'a=sendonly', 'a=inactive', 'a=rtcp:', 'a=rtcp-mux', 'a=crypto:1 '],
    ...[
      'opus/48000/2',
      'PCMU/8000',
      'telephone-event/8000',
      '0-16',
      'useinbandfec=1',
      'inline:',
      '|2^31|1:4',
      'AEAD_AES_128_GCM',
      'a=group:BUNDLE 0',
    ],
  ],
  run: (input) => {
    const text = Buffer.from(input).toString('latin1');
    const read = parseSdp(text);
    if (!isSdpFailure(read)) {
      const again = parseSdp(writeSdp(read));
      assert(!isSdpFailure(again), `what was read cannot be read once written: ${JSON.stringify(again)}`);
      assert(!/NaN|undefined/.test(writeSdp(read)), 'what is written is no number');
      assert(again.media.length === read.media.length, 'media lines were lost on the way');
    }
    for (const [i, want] of wants.entries()) {
      const answered = answer(text, want);
      if (answered.kind !== 'refusal') assert(!isSdpFailure(parseSdp(answered.sdp)), 'our answer cannot be read');
      applyAnswer(offers[i]!, text);
    }
    for (const line of text.split(/\r?\n/, 20)) {
      const crypto = parseCryptoLine(line.replace(/^a=crypto:/, ''));
      if (crypto !== undefined) assert(parseCryptoLine(writeCryptoLine(crypto)) !== undefined, `our crypto line cannot be read: ${line}`);
    }
    parseDtmfRelay('application/dtmf-relay', text);
    parseDtmfRelay('application/dtmf', text);
  },
};

const transaction = new Uint8Array(12).fill(9);
const binding = writeBindingRequest(transaction);

export const stun: Target = {
  name: 'stun',
  batch: 512,
  seeds: [
    binding,
    writeBindingResponse({ type: 'request', transactionId: transaction, unknown: [] }, { address: '192.0.2.1', port: 5060 }),
    writeBindingResponse({ type: 'request', transactionId: transaction, unknown: [] }, { address: '2001:db8::1', port: 5060 }),
    writeBindingResponse({ type: 'request', transactionId: transaction, unknown: [3, 4] }, { address: '192.0.2.1', port: 5060 }),
  ],
  words: [
    '\x00\x01\x00\x00',
    '\x01\x01',
    '\x01\x11',
    '\x21\x12\xa4\x42',
    '\x00\x20\x00\x08\x00\x01',
    '\x00\x01\x00\x08\x00\x02',
    '\x00\x09\x00\x04',
    '\xff\xff',
  ],
  run: (input) => {
    const read = parseStun(input);
    assert(read === undefined || isStun(input), 'read as STUN what is none');
    if (read?.type !== 'request') return;
    const choices = new Choices(read.transactionId);
    const answered = writeBindingResponse(read, { address: choices.byte() % 2 === 0 ? '192.0.2.1' : '2001:db8::1', port: choices.word() });
    assert(parseStun(answered) !== undefined, 'our answer cannot be read');
  },
};
