/** The replayer itself: it must find what differs, and nothing else. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { replay } from './replay.js';
import { Drawn, retold } from './sameness.js';
import { isWire, readTrace, type TraceEvent, type TraceFile, writeTrace } from './trace-file.js';

const recorded = readTrace(readFileSync(fileURLToPath(new URL('./recorded/asterisk-call-pcmu.trace', import.meta.url)), 'utf8'));

/** The trace, with one event changed, left out (undefined) or another beside it. */
function changed(change: (event: TraceEvent, index: number) => TraceEvent | undefined | TraceEvent[]): TraceFile {
  return { ...recorded, events: recorded.events.flatMap((event, index) => change(event, index) ?? []) };
}

async function differs(trace: TraceFile): Promise<boolean> {
  const result = await replay(trace);
  return JSON.stringify([result.sent, result.words]) !== JSON.stringify([result.recorded, result.recordedWords]);
}

const ofOurs = (words: RegExp, from: string | RegExp, to: string): TraceFile =>
  changed((event) =>
    isWire(event) && event.type === 'out' && words.test(event.text) ? { ...event, text: event.text.replace(from, to) } : event,
  );

describe('the replayer', () => {
  test('finds the trace as it was recorded', async () => {
    expect(await differs(recorded)).toBe(false);
  });

  test.each([
    ['a header of ours that is another', ofOurs(/^INVITE/, 'Max-Forwards: 70', 'Max-Forwards: 69')],
    ['a header that we did not send then', ofOurs(/^BYE/, '\r\nCSeq', '\r\nX-More: 1\r\nCSeq')],
    ['an order of codecs', ofOurs(/^INVITE/, 'RTP/AVP 0 ', 'RTP/AVP 8 0 ')],
    ['another Request-URI', ofOurs(/^ACK/, /^ACK sip:[^ ]+/, 'ACK sip:elsewhere@192.0.2.1')],
    ['a tag of ours that changes in the middle of the call', ofOurs(/^BYE/, /(From: [^\r]*tag=)[^\r;]+/, '$1another')],
    ['a Call-ID that changes', ofOurs(/^BYE/, /Call-ID: [^\r]+/, 'Call-ID: another')],
    [
      'a message that we send, and did not then',
      changed((event) => (isWire(event) && event.type === 'out' && event.text.startsWith('BYE') ? undefined : event)),
    ],
    [
      'a message that we sent then, and do not',
      changed((event) => (event.type === 'do' && event.words === 'hangup 1' ? undefined : event)),
    ],
    [
      'an answer of theirs that never comes',
      changed((event) => (isWire(event) && event.text.startsWith('SIP/2.0 200') ? undefined : event)),
    ],
    [
      'a word that was told',
      changed((event) =>
        event.type === 'told' && event.words.includes('answered') ? { ...event, words: 'call 1 answered in g722' } : event,
      ),
    ],
  ])('finds %s', async (_name, trace) => {
    expect(JSON.stringify(trace)).not.toBe(JSON.stringify(recorded));
    expect(await differs(trace)).toBe(true);
  });

  test('what is drawn may be another, if it is the same everywhere', () => {
    const [mine, yours] = [new Drawn(), new Drawn()];
    const request = (tag: string, branch: string): string =>
      `BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=${branch}\r\nFrom: <sip:a@b>;tag=${tag}\r\n\r\n`;
    expect(mine.plain(request('aaaa', 'b1'))).toBe(yours.plain(request('cccc', 'd1')));
    expect(mine.plain(request('aaaa', 'b2'))).toBe(yours.plain(request('cccc', 'd2')));
    expect(mine.plain(request('aaaa', 'b3'))).not.toBe(yours.plain(request('eeee', 'd3')));
  });

  test('their messages speak of our values, and their length follows', () => {
    const [mine, yours] = [new Drawn(), new Drawn()];
    mine.plain('x\r\nFrom: <sip:a@b>;tag=recorded-tag\r\n');
    yours.plain('x\r\nFrom: <sip:a@b>;tag=now\r\n');
    expect(retold('SIP/2.0 200 OK\r\nFrom: <sip:a@b>;tag=recorded-tag\r\nContent-Length: 99\r\n\r\nrecorded-tag', mine, yours)).toBe(
      'SIP/2.0 200 OK\r\nFrom: <sip:a@b>;tag=now\r\nContent-Length: 3\r\n\r\nnow',
    );
  });

  test('a trace file is read as it was written, whatever bytes are in it', () => {
    const every = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
    const file: TraceFile = {
      shows: 'all bytes',
      peer: 'nobody, recorded never',
      bot: {},
      events: [
        { type: 'in', atMs: 5, transport: 'udp', local: '127.0.0.1:1', remote: '[::1]:2', text: `a\r\n\r\n${every}\\x41|` },
        { type: 'do', atMs: 7, words: 'hangup 1' },
      ],
    };
    expect(readTrace(writeTrace(file))).toEqual(file);
    expect(() => readTrace('nonsense')).toThrow(/begins with/);
    expect(() => readTrace(`${writeTrace(file)}whatever\n`)).toThrow(/is no event/);
  });
});
