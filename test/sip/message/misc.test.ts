/** Third-party messages and streams, as their manifest says of them: crashers answer with an error, streams give the same messages under any split. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { check } from '../../../src/sip/message/check.js';
import { Framer } from '../../../src/sip/message/framer.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure } from '../../../src/sip/message/parse-failure.js';
import { write } from '../../../src/sip/message/write.js';
import { generator } from './generator.js';

const data = process.env['SIPBOT_TEST_DATA'];
const folder = join(data ?? '', 'sip-messages-misc');
const read = (name: string): Buffer => readFileSync(join(folder, name));
const list = (name: string): string[] => (data === undefined ? [] : readdirSync(join(folder, name)).map((file) => `${name}/${file}`));

const frames = (stream: Buffer, sizes: () => number): string[] => {
  const framer = new Framer();
  const found: string[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = sizes();
    for (const frame of framer.push(Buffer.from(stream.subarray(at, at + size)))) {
      found.push(frame.type === 'message' ? Buffer.from(frame.bytes).toString('latin1') : frame.type);
    }
    at += size;
  }
  return found;
};

const failureOf = (bytes: Uint8Array): string | undefined => {
  const message = parse(bytes);
  return isParseFailure(message) ? message.failure : check(message)?.failure;
};

describe.skipIf(data === undefined)('third-party messages (skipped without SIPBOT_TEST_DATA)', () => {
  test.each([...list('sipgo-gofuzz-decoded'), ...list('sipgo-gofuzz')])('%s: no throw, an error', (name) => {
    expect(failureOf(read(name))).toBeTypeOf('string');
  });

  test('sip.js/badcseq.dat: refused for its CSeq', () => {
    expect(failureOf(read('sip.js/badcseq.dat'))).toBe('CSeq is malformed');
  });

  test('baresip/invite.sip: kept with bare LFs in its repository, so too short for its Content-Length; without that header it is read', () => {
    expect(failureOf(read('baresip/invite.sip'))).toBe('the body is shorter than Content-Length');
    const bytes = Buffer.from(
      read('baresip/invite.sip')
        .toString('latin1')
        .replace(/^Content-Length.*\n/m, ''),
      'latin1',
    );
    const message = parse(bytes);
    if (isParseFailure(message)) throw new Error(message.failure);
    expect(check(message)).toBeUndefined();
    expect(message.contentType?.essence).toBe('application/sdp');
    expect(Buffer.from(write(message)).equals(bytes)).toBe(true);
  });

  test.each([
    ['php-sip/generic.txt', 227],
    ['php-sip/lioneagle-sipparser.txt', 26],
  ])('%s: %i messages, the same under any split', (name, count) => {
    const stream = read(name);
    const whole = frames(stream, () => stream.length).filter((frame) => frame !== 'pong' && frame !== 'ping');
    expect(whole.length).toBe(count);
    const random = generator(4475);
    for (let round = 0; round < 20; round++) {
      const split = frames(stream, () => 1 + Math.floor(random() * (round + 1) * 100)).filter(
        (frame) => frame !== 'pong' && frame !== 'ping',
      );
      expect(split).toEqual(whole);
    }
    const bytewise = frames(stream, () => 1).filter((frame) => frame !== 'pong' && frame !== 'ping');
    expect(bytewise).toEqual(whole);
  });

  test('profuzzbench: the client’s messages of a call, back to back, on a stream', () => {
    for (const name of ['profuzzbench/sip-1.raw', 'profuzzbench-replay/sip-1.raw']) {
      const found = frames(read(name), () => 37).filter((frame) => frame.length > 4);
      expect(found.length, name).toBeGreaterThan(0);
    }
  });
});
