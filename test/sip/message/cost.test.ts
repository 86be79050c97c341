/** What is counted and not timed: bytes of heap for a request that comes in and its answer that goes out. A guard, not a benchmark: CI is noisy, heaps are not. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { invite } from '../../../bench/messages.js';
import { type SipRequest, SipResponse } from '../../../src/sip/message/message.js';
import { parse } from '../../../src/sip/message/parse.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { write } from '../../../src/sip/message/write.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const kept: unknown[] = [];

/** Bytes an operation: the least of some rounds, each too short for a collection to come between. */
const bytesOf = (work: () => unknown): number => {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 12; round++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 300; i++) kept[0] = work();
    const grown = process.memoryUsage().heapUsed - before;
    if (grown > 0) least = Math.min(least, grown / 300);
  }
  return least;
};

const options = { toTag: 'x', headers: [['Contact', '<sip:b@192.0.2.1>']] as const, contentType: 'application/sdp', body: 'v=0\r\n' };
const request = parse(invite) as SipRequest;

test.each([
  ['an INVITE read as far as its start line', () => parse(invite), 4200],
  ['the same with the six headers that every transaction asks for', () => six(parse(invite) as SipRequest), 6000],
  ['a 200 OK made of it and written', () => write(responseTo(request, 200, options)), 3200],
  ['a response of no headers', () => new SipResponse(200), 600],
])('heap for %s', (_, work, most) => {
  for (let i = 0; i < 3000; i++) kept[0] = work();
  expect(bytesOf(work)).toBeLessThan(most);
});

function six(message: SipRequest): unknown {
  const { via, from, to, callId, cseq, contact } = message;
  return [via?.branch, from?.tag, to?.tag, callId, cseq?.number, contact?.uriText];
}
