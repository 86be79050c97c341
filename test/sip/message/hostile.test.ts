/**
 * Whatever a stranger sends: no throw, no hang, bounded work. SIPBOT_FUZZ_RUNS sets how many mutations are made of real messages
 * (a million takes about a minute and a half); SIPBOT_TEST_DATA adds more seeds.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { invite as phoneInvite } from '../../../bench/messages.js';
import { check } from '../../../src/sip/message/check.js';
import { Framer } from '../../../src/sip/message/framer.js';
import type { ParseLimits } from '../../../src/sip/message/limits.js';
import { SipRequest } from '../../../src/sip/message/message.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure } from '../../../src/sip/message/parse-failure.js';
import { responseTo, responseToFailure } from '../../../src/sip/message/response-to.js';
import { write } from '../../../src/sip/message/write.js';
import { digest, getters } from './digest.js';
import { generator } from './generator.js';

const runs = Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 20_000);
const data = process.env['SIPBOT_TEST_DATA'];
const torture = new URL('../../data/rfc4475/', import.meta.url);

const seeds: Buffer[] = readdirSync(torture).map((name) => readFileSync(new URL(name, torture)));
for (const folder of data === undefined ? [] : ['fuzz-sip', 'fuzz-sip-dialog', 'fuzz-uri', 'fuzz-url']) {
  const path = join(data!, 'fuzz-seeds-pjproject', folder);
  for (const name of readdirSync(path)) seeds.push(readFileSync(join(path, name)));
}

const spice = [
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
  ')',
  '[',
  ']',
  '\r',
  '\n',
  '\r\n',
  '\r\n ',
  '\0',
  ' ',
  '\t',
  '*',
  '/',
  'é',
  '\u{1f600}',
  '%00',
  '%',
  'sip:',
  'tel:',
  'SIP/2.0',
  '::',
  ';;',
  ',,',
  '""',
  '<>',
  '4294967296',
  '-1',
  '99999999999999999999',
  'Via:',
  'Contact: *',
  'l:',
  '\r\n\r\n',
];

const mutate = (seed: Buffer, random: () => number): Buffer => {
  let bytes = Buffer.from(seed);
  const times = 1 + Math.floor(random() * 4);
  for (let i = 0; i < times; i++) {
    const at = Math.floor(random() * (bytes.length + 1));
    const length = Math.floor(random() * 40);
    switch (Math.floor(random() * 7)) {
      case 0:
        if (at < bytes.length) bytes[at] = Math.floor(random() * 256);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(spice[Math.floor(random() * spice.length)]!), bytes.subarray(at)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)]);
        break;
      case 4: {
        const other = seeds[Math.floor(random() * seeds.length)]!;
        const from = Math.floor(random() * other.length);
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + length * 4), bytes.subarray(at)]);
        break;
      }
      case 5:
        bytes = bytes.subarray(0, at);
        break;
      default: {
        const piece = Buffer.from(spice[Math.floor(random() * spice.length)]!.repeat(1 + Math.floor(random() * 20)));
        bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.length)]);
      }
    }
  }
  return bytes;
};

describe('hostile input', () => {
  test(
    `${runs} mutations of ${seeds.length} real messages: no throw, and what we answer can be read`,
    () => {
      const random = generator(3261);
      let messages = 0;
      for (let i = 0; i < runs; i++) {
        const bytes = mutate(seeds[i % seeds.length]!, random);
        try {
          if (digest(bytes) === 'message') messages++;
        } catch (error) {
          throw new Error(`run ${i}: ${(error as Error).stack}\n${JSON.stringify(bytes.toString('latin1'))}`);
        }
      }
      // A campaign that never gets past the first line proves nothing.
      expect(messages).toBeGreaterThan(runs / 10);
    },
    30 * 60_000,
  );

  test('any bytes at all: a message or a failure', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        digest(bytes);
      }),
    );
  });

  test('any bytes through the framer, in any pieces: frames, and never more held than the limits', () => {
    const random = generator(5626);
    for (let i = 0; i < 2000; i++) {
      const framer = new Framer({ headBytes: 4096, bodyBytes: 4096 });
      const bytes = mutate(seeds[i % seeds.length]!, random);
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + Math.floor(random() * 300);
        for (const frame of framer.push(bytes.subarray(at, at + size))) if (frame.type === 'message') digest(frame.bytes);
        at += size;
        expect(framer.pendingBytes).toBeLessThanOrEqual(4096 * 2 + 300);
      }
    }
  });
});

const head = (extra: string): string =>
  `INVITE sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n${extra}\r\n`;

const wide: ParseLimits = { headBytes: 1 << 20, headers: 1 << 20 };

/** So many bytes of one thing, in the places where it could hurt. */
const craft = (size: number): Record<string, string> => {
  const fill = (unit: string): string => unit.repeat(Math.floor(size / unit.length));
  const crafted: Record<string, string> = {};
  for (const [what, unit] of Object.entries({
    token: 'a',
    parameter: ';a',
    'parameter with value': ';a=b',
    comma: ',',
    'comma and blank': ', ',
    element: 'a,',
    quote: '"',
    'quoted pair': '\\"',
    'empty quotes': '"",',
    bracket: '<',
    'closing bracket': '>',
    brackets: '<>,',
    'square bracket': '[',
    comment: '(',
    fold: '\r\n ',
    'long fold': '\r\n  \t ',
    blank: ' ',
    tab: '\t',
    colon: ':',
    at: '@',
    percent: '%41',
    'bare percent': '%',
    equals: '=',
    'equals list': 'a=',
    semicolon: ';',
    slash: '/',
    digit: '9',
    zero: '0',
    'utf-8': 'é',
    cr: '\r',
    route: '<sip:a@b;lr>,',
    via: 'SIP/2.0/UDP h,',
    name: 'a ',
  })) {
    for (const header of [
      'Via',
      'From',
      'Contact',
      'Route',
      'CSeq',
      'Content-Type',
      'Authorization',
      'Warning',
      'Retry-After',
      'Privacy',
      'Replaces',
      'X-Unknown',
    ]) {
      crafted[`${header}: ${what}`] = head(`${header}: ${fill(unit)}\r\n`);
    }
    crafted[`From with a quote: ${what}`] = head(`f: "${fill(unit)}\r\n`);
    crafted[`Contact in brackets: ${what}`] = head(`m: <sip:${fill(unit)}>\r\n`);
    crafted[`Contact user: ${what}`] = head(`m: <sip:${fill(unit)}@h>\r\n`);
    crafted[`Contact URI parameter: ${what}`] = head(`m: <sip:a@h;${fill(unit)}>;${fill(unit)}\r\n`);
    crafted[`Request-URI: ${what}`] = `INVITE sip:${fill(unit)} SIP/2.0\r\n\r\n`;
    crafted[`start line: ${what}`] = `${fill(unit)}\r\n\r\n`;
  }
  crafted['headers'] = head(fill('a:\r\n'));
  crafted['Vias'] = head(fill('v:SIP/2.0/UDP h\r\n'));
  crafted['Contacts'] = head(fill('m:<sip:a@b>\r\n'));
  crafted['CRLF'] = fill('\r\n');
  crafted['LF'] = fill('\n');
  crafted['boundaries'] = head(`Content-Type: multipart/mixed;boundary=b\r\n\r\n${fill('--b\r\n')}`);
  return crafted;
};

const crafted = craft(64 * 1024);

const names = [...new Set([...getters(SipRequest.prototype), ...getters(Object.create(SipRequest.prototype))])];

/** The same as `digest`, without what only the test does: each value read, the message written, answered and changed. */
const work = (bytes: Buffer, limits: ParseLimits | undefined): void => {
  const message = parse(bytes, limits);
  if (isParseFailure(message)) {
    responseToFailure(message, 'tag');
    return;
  }
  for (const name of names) (message as unknown as Record<string, unknown>)[name];
  const failure = check(message);
  write(message);
  if (failure !== undefined) responseToFailure(failure, 'tag');
  else if (message.kind === 'request') write(responseTo(message, 200, { toTag: 'tag' }));
  write(message.clone().set('Max-Forwards', '5'));
};

/** What is done with every message at the door: read, checked, the six headers looked at. */
const glance = (bytes: Buffer, limits: ParseLimits | undefined): void => {
  const message = parse(bytes, limits);
  if (isParseFailure(message)) return;
  check(message);
  void [message.via?.branch, message.from?.tag, message.to?.tag, message.callId, message.cseq?.number, message.contact?.uriText];
};

/** CPU time by the byte, the best of some rounds: other processes, other tests and the collector come and go. */
const nanoseconds = (bytes: Buffer, limits: ParseLimits | undefined, rounds: number, what = work): number => {
  const times = Math.max(1, Math.round(65_536 / bytes.length));
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const from = process.cpuUsage();
    for (let j = 0; j < times; j++) what(bytes, limits);
    const { user, system } = process.cpuUsage(from);
    best = Math.min(best, ((user + system) * 1000) / times);
  }
  return best / bytes.length;
};

describe('the worst crafted input', () => {
  test('64 KB of any one thing costs at most ten times an ordinary INVITE, by the byte', { retry: 2, timeout: 120_000 }, () => {
    const ordinary = readFileSync(new URL('wsinv.dat', torture));
    const plain = phoneInvite;
    for (const what of [work, glance]) {
      for (let i = 0; i < 2000; i++) what(plain, undefined);
      const unit = Math.min(nanoseconds(plain, undefined, 20, what), nanoseconds(ordinary, undefined, 20, what));
      const worst = Object.entries(crafted)
        .flatMap(([name, text]) =>
          [undefined, wide].map((limits) => [name, nanoseconds(Buffer.from(text), limits, 5, what) / unit] as const),
        )
        .sort((a, b) => b[1] - a[1]);
      if (process.env['SIPBOT_FUZZ_RUNS'])
        process.stdout.write(`${what.name}: worst ${JSON.stringify(worst.slice(0, 5))}, ordinary ${unit.toFixed(1)} ns a byte\n`);
      expect(worst.filter(([, times]) => times > 10)).toEqual([]);
    }
  });

  test('four times as much of it costs about four times as much: nothing is quadratic', { retry: 2, timeout: 120_000 }, () => {
    const quadratic: string[] = [];
    const quarters = craft(16 * 1024);
    for (const [what, text] of Object.entries(crafted)) {
      const [small, large] = [nanoseconds(Buffer.from(quarters[what]!), wide, 7), nanoseconds(Buffer.from(text), wide, 7)];
      // Four times the bytes: a quadratic cost would be four times as much for each.
      if (large > small * 3 && large > 30) quadratic.push(`${what}: ${small.toFixed(0)} → ${large.toFixed(0)} ns a byte`);
    }
    expect(quadratic).toEqual([]);
  });

  test('limits: too long a head, too many headers, too long a body are failures with the right status', () => {
    expect(parse(Buffer.from(head(`X: ${'x'.repeat(70_000)}\r\n`)))).toMatchObject({
      failure: 'the head is too long',
      status: 513,
      callId: 'x',
    });
    expect(parse(Buffer.from(head('X: y\r\n'.repeat(600))))).toMatchObject({ failure: 'too many headers' });
    expect(parse(Buffer.from(`${head('')}${'b'.repeat(101)}`), { bodyBytes: 100 })).toMatchObject({
      failure: 'the body is too long',
      status: 513,
    });
  });

  test('what was read may be given to a request of ours, and never throws: NUL in a quoted pair included', () => {
    const bytes = readFileSync(new URL('intmeth.dat', torture));
    const wild = parse(bytes) as SipRequest;
    expect(() => new SipRequest('OPTIONS', 'sip:a@b', wild.entries)).not.toThrow();
  });
});
