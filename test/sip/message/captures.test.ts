/** Every SIP frame of the recorded captures, read to the same fields as tshark reads. Where we disagree there is a row with the reason. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { check } from '../../../src/sip/message/check.js';
import { Framer } from '../../../src/sip/message/framer.js';
import type { SipMessage } from '../../../src/sip/message/message.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure } from '../../../src/sip/message/parse-failure.js';
import { write } from '../../../src/sip/message/write.js';
import { readCapture } from './capture.js';

const data = process.env['SIPBOT_TEST_DATA'];

interface Expected {
  readonly frame: number;
  readonly transport: 'udp' | 'tcp';
  readonly payload_hex?: string;
  readonly [field: string]: unknown;
}

const oracle: Record<string, { sip: readonly Expected[] }> =
  data === undefined ? {} : JSON.parse(readFileSync(join(data, 'captures-dev/expected-tshark.json'), 'utf8')).files;

/** The first of several; blanks around a value are not part of it (RFC 3261 §7.3.1), though tshark shows them. */
const one = (value: unknown): unknown => {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first.trim() : first;
};

/** The fields as we read them, by tshark's names. */
const fields = (message: SipMessage): Record<string, string | undefined> => ({
  'sip.Method': message.kind === 'request' ? message.method : undefined,
  'sip.r-uri': message.kind === 'request' ? message.uri.toString() : undefined,
  'sip.Status-Code': message.kind === 'response' ? `${message.status}` : undefined,
  'sip.Call-ID': message.callId,
  'sip.CSeq.seq': message.cseq && `${message.cseq.number}`,
  'sip.CSeq.method': message.cseq?.method,
  'sip.from.addr': message.from?.uriText,
  'sip.from.tag': message.from?.tag,
  'sip.to.addr': message.to?.uriText,
  'sip.to.tag': message.to?.tag,
  'sip.Via.branch': message.via?.branch,
  'sip.Via.sent-by.address': message.via?.host,
  'sip.Via.transport': message.via?.transport,
  'sip.contact.uri': message.contact?.uriText,
  'sip.Content-Length': message.contentLength === undefined ? undefined : `${message.contentLength}`,
  'sip.Content-Type': message.header('Content-Type'),
  'sip.User-Agent': message.userAgent,
});

/** `file#frame` → why we refuse what tshark shows. */
const refused: Record<string, string> = {
  // `sip:@127.0.0.1`: a user is at least one character (§25.1); a scanner's forgery.
  'ws-metasploit-invite-spoof.pcap#1': 'the Request-URI is malformed',
  // Two To headers (§7.3.1 allows one): whoever picks one may pick another than the next hop does.
  'suricata-header-multi-value.pcap#1': 'To stands twice',
  // `Content-Length: bad` and `xyz`: tshark shows 0.
  'zeek-invalid-content-length.pcap#1': 'Content-Length is no number',
  'zeek-invalid-content-length.pcap#2': 'Content-Length is no number',
};

const cases = Object.entries(oracle).flatMap(([file, { sip }]) => {
  const packets = sip.length === 0 || data === undefined ? [] : readCapture(readFileSync(join(data, 'captures-dev', file)));
  const streams = new Map<string, Framer>();
  const framed = new Map<number, Buffer>();
  for (const packet of packets.filter(({ protocol, payload }) => protocol === 'tcp' && payload.length > 0)) {
    const framer = streams.get(packet.path) ?? new Framer();
    streams.set(packet.path, framer);
    for (const frame of framer.push(packet.payload)) if (frame.type === 'message') framed.set(packet.frame, Buffer.from(frame.bytes));
  }
  return sip.map((expected) => {
    const packet = packets.find(({ frame }) => frame === expected.frame);
    const whole = Buffer.from(expected.payload_hex ?? '', 'hex');
    const bytes = expected.transport === 'tcp' ? framed.get(expected.frame) : whole;
    return { key: `${file}#${expected.frame}`, expected, packet, bytes };
  });
});

describe.skipIf(data === undefined)('recorded captures (skipped without SIPBOT_TEST_DATA)', () => {
  test('all 212 frames are there, and our reader of captures finds the same bytes as tshark', () => {
    expect(cases.length).toBe(212);
    for (const { key, packet, bytes, expected } of cases) {
      expect(packet, key).toBeDefined();
      if (expected.transport === 'udp' && !packet!.isFragment) expect(packet!.payload.toString('hex'), key).toBe(expected.payload_hex);
      expect(bytes, key).toBeDefined();
    }
  });

  test.each(cases.map((entry) => [entry.key, entry] as const))('%s', (key, { expected, bytes }) => {
    const message = parse(bytes!);
    const reason = refused[key];
    if (isParseFailure(message)) {
      expect(message.failure).toBe(reason);
      return;
    }
    expect(check(message)?.failure).toBe(reason);
    if (reason !== undefined) return;
    const ours = fields(message);
    const theirs: Record<string, unknown> = {};
    for (const name of Object.keys(ours)) theirs[name] = one(expected[name]);
    expect(ours).toEqual(theirs);
    expect(Buffer.compare(write(message), bytes!.subarray(0, write(message).length))).toBe(0);
  });
});
