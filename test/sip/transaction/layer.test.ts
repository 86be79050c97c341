import { describe, expect, test } from 'vitest';
import { type SipMessage, SipRequest, type SipResponse } from '../../../src/sip/message/message.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure } from '../../../src/sip/message/parse-failure.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { type Refusal, TransactionLayer, type TransactionLimits, type TransactionUser } from '../../../src/sip/transaction/layer.js';
import type { ServerTransaction } from '../../../src/sip/transaction/server-transaction.js';
import { TimerHeap } from '../../../src/sip/transaction/timer-heap.js';
import { resolveTimers } from '../../../src/sip/transaction/timers.js';
import type { Wire } from '../../../src/sip/transaction/wire.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

/** A flow that writes down what it is given. */
class Tape implements Wire {
  readonly reliable: boolean;
  isOpen = true;
  readonly sent: SipMessage[] = [];

  constructor(reliability: 'reliable' | 'unreliable' = 'unreliable') {
    this.reliable = reliability === 'reliable';
  }

  send(bytes: Uint8Array): void {
    const message = parse(bytes);
    if (isParseFailure(message)) throw new Error(message.failure);
    this.sent.push(message);
  }

  get lines(): string[] {
    return this.sent.map((message) => (message.kind === 'request' ? message.method : `${message.status} ${message.cseq?.method}`));
  }
}

class User implements TransactionUser<Tape> {
  readonly requests: ServerTransaction<Tape>[] = [];
  readonly acks: SipRequest[] = [];
  admission: 'accept' | 'drop' | Refusal = 'accept';
  knowsAcks = true;
  elsewhere: Promise<Tape> | undefined;
  onNew: (transaction: ServerTransaction<Tape>) => void = () => {};
  asked = 0;

  admit(): 'accept' | 'drop' | Refusal {
    this.asked++;
    return this.admission;
  }
  onRequest(transaction: ServerTransaction<Tape>): void {
    this.requests.push(transaction);
    this.onNew(transaction);
  }
  onAck(ack: SipRequest): boolean {
    this.acks.push(ack);
    return this.knowsAcks;
  }
  responseFlow(): Promise<Tape> | undefined {
    return this.elsewhere;
  }
}

function house(limits: Partial<TransactionLimits> = {}) {
  const clock = new ManualClock();
  const heap = new TimerHeap(clock);
  const user = new User();
  const layer = new TransactionLayer<Tape>({ clock: heap, random: new SeededRandom(1), timers: resolveTimers(), user, limits });
  return { clock, heap, user, layer, tape: new Tape() };
}

interface Parts {
  branch?: string;
  sentBy?: string;
  callId?: string;
  cseq?: number;
  fromTag?: string;
  toTag?: string;
  headers?: readonly (readonly [string, string])[];
}

function request(method: string, parts: Parts = {}): SipRequest {
  const { branch = 'z9hG4bK1', sentBy = 'a.example:5060', callId = 'call-1', cseq = 1, fromTag = 'from', toTag, headers = [] } = parts;
  return new SipRequest(method, 'sip:bob@b.example', [
    ['Via', `SIP/2.0/UDP ${sentBy}${branch === '' ? '' : `;branch=${branch}`};rport=5060;received=192.0.2.1`],
    ['Max-Forwards', '70'],
    ['From', `<sip:alice@a.example>;tag=${fromTag}`],
    ['To', `<sip:bob@b.example>${toTag === undefined ? '' : `;tag=${toTag}`}`],
    ['Call-ID', callId],
    ['CSeq', `${cseq} ${method}`],
    ...headers,
  ]);
}

const tags = (messages: readonly SipMessage[]) => messages.map((message) => message.to?.tag);

describe('requests to server transactions, RFC 3261 §17.2.3', () => {
  test('a request makes a transaction and goes up once; a copy is answered by the transaction', () => {
    const { layer, user, tape } = house();
    user.onNew = (transaction) => transaction.reply(200);
    layer.receive(request('OPTIONS'), tape);
    layer.receive(request('OPTIONS'), tape);
    expect(user.requests.length).toBe(1);
    expect(tape.lines).toEqual(['200 OPTIONS', '200 OPTIONS']);
    expect(tags(tape.sent)[0]).toBe(tags(tape.sent)[1]);
    expect(layer.counters.retransmissions).toBe(1);
  });

  test('another branch, another sent-by or another method is another transaction', () => {
    const { layer, user, tape } = house();
    layer.receive(request('OPTIONS', { toTag: 'x' }), tape);
    layer.receive(request('OPTIONS', { toTag: 'x', branch: 'z9hG4bK2' }), tape);
    layer.receive(request('OPTIONS', { toTag: 'x', sentBy: 'c.example' }), tape);
    layer.receive(request('INFO', { toTag: 'x' }), tape);
    expect(user.requests.length).toBe(4);
  });

  test('sent-by host is compared without regard to case', () => {
    const { layer, user, tape } = house();
    layer.receive(request('OPTIONS', { sentBy: 'a.example' }), tape);
    layer.receive(request('OPTIONS', { sentBy: 'A.EXAMPLE' }), tape);
    expect([user.requests.length, layer.counters.merged]).toEqual([1, 0]);
  });

  test('RFC 2543 peers without a branch: the same Request-URI, tags, Call-ID, CSeq and Via make a copy', () => {
    const { layer, user, tape } = house();
    layer.receive(request('OPTIONS', { branch: '' }), tape);
    layer.receive(request('OPTIONS', { branch: '' }), tape);
    layer.receive(request('OPTIONS', { branch: '', cseq: 2 }), tape);
    layer.receive(request('OPTIONS', { branch: '1' }), tape);
    expect(user.requests.map(({ request: { cseq } }) => cseq?.number)).toEqual([1, 2]);
    expect(layer.counters.merged).toBe(1); // the last: the same request with a Via of its own
  });

  test('RFC 2543: the ACK of a refusal is found by its To tag; another To tag is not absorbed', () => {
    const { layer, user, tape } = house();
    user.onNew = (transaction) => transaction.reply(486);
    layer.receive(request('INVITE', { branch: '' }), tape);
    const toTag = tape.sent[0]!.to!.tag!;
    layer.receive(request('ACK', { branch: '', toTag: 'other' }), tape);
    expect([user.requests[0]!.state, user.acks.length]).toEqual(['completed', 1]);
    layer.receive(request('ACK', { branch: '', toTag }), tape);
    expect([user.requests[0]!.state, user.acks.length]).toEqual(['confirmed', 1]);
  });

  test('RFC 6026 §6: the branchless ACK of a 2xx matches its INVITE and still goes up', () => {
    const { layer, user, tape } = house();
    user.onNew = (transaction) => transaction.reply(200);
    layer.receive(request('INVITE', { branch: '' }), tape);
    layer.receive(request('ACK', { branch: '', toTag: tape.sent[0]!.to!.tag! }), tape);
    expect(user.acks.length).toBe(1);
  });

  test('§17.2.1 the ACK of a refusal stays inside, that of a 2xx (its own branch) goes up, a stranger’s is counted', () => {
    const { layer, user, tape } = house();
    user.onNew = (transaction) => transaction.reply(transaction.request.callId === 'yes' ? 200 : 603);
    layer.receive(request('INVITE', { callId: 'no' }), tape);
    layer.receive(request('ACK', { callId: 'no' }), tape);
    expect(user.acks).toEqual([]);
    layer.receive(request('INVITE', { callId: 'yes', branch: 'z9hG4bK2' }), tape);
    layer.receive(request('ACK', { callId: 'yes', branch: 'z9hG4bK3' }), tape);
    expect(user.acks.length).toBe(1);
    user.knowsAcks = false;
    layer.receive(request('ACK', { branch: 'z9hG4bK4' }), tape);
    expect(layer.counters.strayAcks).toBe(1);
    expect(tape.lines).toEqual(['603 INVITE', '200 INVITE']);
  });
});

describe('CANCEL at the server, RFC 3261 §9.2', () => {
  test('the CANCEL is answered 200, the INVITE 487, with one To tag', () => {
    const { layer, tape } = house();
    layer.receive(request('INVITE'), tape);
    layer.receive(request('CANCEL'), tape);
    expect(tape.lines).toEqual(['200 CANCEL', '487 INVITE']);
    expect(new Set(tags(tape.sent)).size).toBe(1);
  });

  test('the user’s tag in an earlier 180 is that of both', () => {
    const { layer, user, tape } = house();
    user.onNew = (transaction) => transaction.reply(180);
    layer.receive(request('INVITE'), tape);
    layer.receive(request('CANCEL'), tape);
    expect(tape.lines).toEqual(['180 INVITE', '200 CANCEL', '487 INVITE']);
    expect(new Set(tags(tape.sent)).size).toBe(1);
  });

  test('the user may answer the INVITE itself, and sees the CANCEL', () => {
    const { layer, user, tape } = house();
    const reasons: (string | undefined)[] = [];
    user.onNew = (transaction) => {
      transaction.onCancel = (cancel) => {
        reasons.push(cancel.header('Reason'));
        transaction.reply(487, { reason: 'Gone' });
      };
    };
    layer.receive(request('INVITE'), tape);
    layer.receive(request('CANCEL', { headers: [['Reason', 'SIP;cause=200']] }), tape);
    expect(reasons).toEqual(['SIP;cause=200']);
    expect((tape.sent[1] as SipResponse).reason).toBe('Gone');
  });

  test('a handler that throws does not keep the INVITE from its 487', () => {
    const { layer, user, tape } = house();
    user.onNew = (transaction) => {
      transaction.onCancel = () => {
        throw new Error('boom');
      };
    };
    layer.receive(request('INVITE'), tape);
    layer.receive(request('CANCEL'), tape);
    expect(tape.lines).toEqual(['200 CANCEL', '487 INVITE']);
  });

  test('after a final response it is answered 200 and changes nothing', () => {
    const { layer, user, tape } = house();
    user.onNew = (transaction) => transaction.reply(200);
    layer.receive(request('INVITE'), tape);
    layer.receive(request('CANCEL'), tape);
    expect(tape.lines).toEqual(['200 INVITE', '200 CANCEL']);
  });

  test('of another method it is answered 200 and changes nothing', () => {
    const { layer, user, tape } = house();
    layer.receive(request('OPTIONS'), tape);
    layer.receive(request('CANCEL'), tape);
    expect([tape.lines, user.requests[0]!.isPending]).toEqual([['200 CANCEL'], true]);
  });

  test('of nothing we know: 481, of which nothing is remembered', () => {
    const { layer, tape } = house();
    layer.receive(request('CANCEL'), tape);
    expect(tape.lines).toEqual(['481 CANCEL']);
    expect([layer.size, layer.counters.strayCancels]).toEqual([0, 1]);
  });

  test('its copies get its 200 again, and only one 487 goes out', () => {
    const { layer, tape } = house();
    layer.receive(request('INVITE'), tape);
    layer.receive(request('CANCEL'), tape);
    layer.receive(request('CANCEL'), tape);
    expect(tape.lines).toEqual(['200 CANCEL', '487 INVITE', '200 CANCEL']);
  });

  test('it needs no leave of the guard: its INVITE had it (§22.1: it cannot be challenged)', () => {
    const { layer, user, tape } = house();
    layer.receive(request('INVITE'), tape);
    user.admission = { status: 401 };
    layer.receive(request('CANCEL'), tape);
    expect([user.asked, tape.lines]).toEqual([1, ['200 CANCEL', '487 INVITE']]);
  });

  test('branchless, of an RFC 2543 client', () => {
    const { layer, tape } = house();
    layer.receive(request('INVITE', { branch: '' }), tape);
    layer.receive(request('CANCEL', { branch: '' }), tape);
    expect(tape.lines).toEqual(['200 CANCEL', '487 INVITE']);
  });
});

describe('merged requests, RFC 3261 §8.2.2.2', () => {
  test('the same request by another way gets 482, statelessly; the first goes on', () => {
    const { layer, user, tape } = house();
    layer.receive(request('INVITE'), tape);
    layer.receive(request('INVITE', { branch: 'z9hG4bK2' }), tape);
    expect([tape.lines, user.requests.length, layer.counters.merged, layer.size]).toEqual([['482 INVITE'], 1, 1, 1]);
  });

  test('another CSeq, Call-ID or From tag, or a To tag, is another request', () => {
    const { layer, user, tape } = house();
    layer.receive(request('INVITE'), tape);
    layer.receive(request('INVITE', { branch: 'z9hG4bK2', cseq: 2 }), tape);
    layer.receive(request('INVITE', { branch: 'z9hG4bK3', callId: 'other' }), tape);
    layer.receive(request('INVITE', { branch: 'z9hG4bK4', fromTag: 'other' }), tape);
    layer.receive(request('INVITE', { branch: 'z9hG4bK5', toTag: 'dialog' }), tape);
    expect(user.requests.length).toBe(5);
  });

  test('after 401, 407 and 503 the same may come again, after 486 not while the transaction lasts', () => {
    const { layer, user, tape, clock } = house();
    for (const [i, status] of [401, 407, 503, 486].entries()) {
      user.onNew = (transaction) => transaction.reply(status);
      layer.receive(request('INVITE', { callId: `c${i}`, branch: `z9hG4bKa${i}` }), tape);
      layer.receive(request('INVITE', { callId: `c${i}`, branch: `z9hG4bKb${i}` }), tape);
    }
    expect(tape.lines.map((line) => Number(line.slice(0, 3)))).toEqual([401, 401, 407, 407, 503, 503, 486, 482]);
    clock.advance(40_000);
    layer.receive(request('INVITE', { callId: 'c3', branch: 'z9hG4bKlater' }), tape);
    expect(tape.lines.at(-1)).toBe('486 INVITE');
  });
});

describe('the guard, and answers of which nothing is remembered, RFC 3261 §8.2.7', () => {
  test('drop: nothing is said', () => {
    const { layer, user, tape } = house();
    user.admission = 'drop';
    layer.receive(request('INVITE'), tape);
    expect([tape.lines, layer.size, layer.counters.dropped]).toEqual([[], 0, 1]);
  });

  test('a refusal: the same answer with the same To tag for every copy, no 100, no resending, no state', () => {
    const { layer, user, tape, clock, heap } = house();
    user.admission = { status: 403, reason: 'No', headers: [['Warning', '399 x "y"']] };
    layer.receive(request('INVITE'), tape);
    layer.receive(request('INVITE'), tape);
    layer.receive(request('INVITE', { branch: 'z9hG4bK2' }), tape);
    clock.advance(60_000);
    expect(tape.lines).toEqual(['403 INVITE', '403 INVITE', '403 INVITE']);
    const [a, b, c] = tags(tape.sent);
    expect(a).toBe(b);
    expect(a).not.toBe(c);
    expect([tape.sent[0]!.header('Warning'), layer.size, heap.pending, layer.counters.stateless]).toEqual(['399 x "y"', 0, 0, 3]);
  });

  test('the ACK of a stateless refusal is nobody’s', () => {
    const { layer, user, tape } = house();
    user.admission = { status: 403 };
    user.knowsAcks = false;
    layer.receive(request('INVITE'), tape);
    layer.receive(request('ACK'), tape);
    expect([tape.lines, layer.counters.strayAcks]).toEqual([['403 INVITE'], 1]);
  });

  test('a full table: 503 for what is new, service for what is known, and room again when a transaction ends', () => {
    const { layer, user, tape, clock } = house({ serverTransactions: 2 });
    layer.receive(request('INVITE', { callId: 'a', branch: 'z9hG4bKa' }), tape);
    layer.receive(request('OPTIONS', { callId: 'b', branch: 'z9hG4bKb' }), tape);
    layer.receive(request('OPTIONS', { callId: 'c', branch: 'z9hG4bKc' }), tape);
    expect([tape.lines, layer.counters.refusedForLoad, layer.counters.servers]).toEqual([['503 OPTIONS'], 1, 2]);
    user.requests[1]!.reply(200);
    clock.advance(32_000);
    layer.receive(request('OPTIONS', { callId: 'd', branch: 'z9hG4bKd' }), tape);
    expect(user.requests.length).toBe(3);
  });
});

describe('the way of responses, RFC 3261 §18.2.2', () => {
  test('where the user says so they take another flow, in order', async () => {
    const { layer, user, tape } = house();
    const other = new Tape();
    user.elsewhere = Promise.resolve(other);
    layer.receive(request('INVITE'), tape);
    user.requests[0]!.reply(180);
    user.requests[0]!.reply(200);
    await Promise.resolve();
    expect([tape.lines, other.lines]).toEqual([[], ['180 INVITE', '200 INVITE']]);
  });

  test('the connection of the request is gone: another is asked for', async () => {
    const { layer, user } = house();
    const gone = new Tape('reliable');
    const other = new Tape('reliable');
    layer.receive(request('INVITE'), gone);
    gone.isOpen = false;
    user.elsewhere = Promise.resolve(other);
    user.requests[0]!.reply(486);
    await Promise.resolve();
    expect([gone.lines, other.lines]).toEqual([[], ['486 INVITE']]);
  });

  test('RFC 6026 §8.8: nowhere to send it: the user hears `transport`, the transaction stays', async () => {
    const { layer, user } = house();
    const gone = new Tape('reliable');
    layer.receive(request('INVITE'), gone);
    const failures: string[] = [];
    user.requests[0]!.onFailure = (why) => failures.push(why);
    gone.isOpen = false;
    user.elsewhere = Promise.reject(new Error('refused'));
    user.requests[0]!.reply(200);
    await Promise.resolve();
    await Promise.resolve();
    expect([failures, layer.size]).toEqual([['transport'], 1]);
  });

  test('§17.2.1 no ACK to a refusal: the user hears `timeout`', () => {
    const { layer, user, tape, clock } = house();
    const failures: string[] = [];
    user.onNew = (transaction) => {
      transaction.onFailure = (why) => failures.push(`${clock.now()} ${why}`);
      transaction.reply(486);
    };
    layer.receive(request('INVITE'), tape);
    clock.advance(32_000);
    expect([failures, layer.size, tape.lines.length]).toEqual([['32000 timeout'], 0, 11]);
  });
});

describe('client transactions', () => {
  const hear = () => {
    const heard: string[] = [];
    return {
      heard,
      user: { onResponse: (response: SipResponse) => heard.push(`${response.status}`), onEnd: (reason: string) => heard.push(reason) },
    };
  };

  test('§17.1.3 a response is matched by branch and method; others are strays, counted and dropped', () => {
    const { layer, tape } = house();
    const { heard, user } = hear();
    const sent = request('INVITE', { branch: 'z9hG4bKmine' });
    layer.request(sent, tape, user);
    layer.receive(responseTo(request('INVITE', { branch: 'z9hG4bKother' }), 180), tape);
    layer.receive(responseTo(request('OPTIONS', { branch: 'z9hG4bKmine' }), 200), tape);
    layer.receive(responseTo(request('INVITE', { branch: '' }), 200), tape);
    layer.receive(responseTo(sent, 180, { toTag: 'x' }), tape);
    expect([heard, layer.counters.strayResponses]).toEqual([['180'], 3]);
  });

  test('§8.1.3.3 a response with more than one Via was another’s', () => {
    const { layer, tape } = house();
    const { heard, user } = hear();
    const sent = request('OPTIONS');
    layer.request(sent, tape, user);
    layer.receive(responseTo(sent, 200).add('Via', 'SIP/2.0/UDP p.example;branch=z9hG4bKp'), tape);
    expect([heard, layer.counters.strayResponses]).toEqual([[], 1]);
  });

  test('what is resent is byte for byte what was sent', () => {
    const { layer, tape, clock } = house();
    layer.request(request('OPTIONS'), tape, hear().user);
    clock.advance(500);
    expect(tape.lines).toEqual(['OPTIONS', 'OPTIONS']);
    expect(`${tape.sent[0]!.entries}`).toBe(`${tape.sent[1]!.entries}`);
  });

  test('§9.1 cancel before a 1xx waits for it; the CANCEL is the INVITE’s but for method, and a transaction of its own', () => {
    const { layer, tape, clock } = house();
    const { heard, user } = hear();
    const invite = request('INVITE', {
      headers: [
        ['Route', '<sip:p.example;lr>'],
        ['Require', '100rel'],
        ['Contact', '<sip:a>'],
      ],
    });
    const transaction = layer.request(invite, tape, user);
    transaction.cancel([
      ['Reason', 'SIP;cause=200;text="Call completed elsewhere"'],
      ['Require', 'x'],
    ]);
    transaction.cancel();
    expect(tape.lines).toEqual(['INVITE']);
    layer.receive(responseTo(invite, 100), tape);
    clock.advance(500);
    expect(tape.lines).toEqual(['INVITE', 'CANCEL', 'CANCEL']);
    const cancel = tape.sent[1] as SipRequest;
    for (const name of ['Via', 'Route', 'From', 'To', 'Call-ID']) expect(cancel.headers(name)).toEqual(invite.headers(name));
    expect([cancel.header('CSeq'), `${cancel.uri}`, cancel.header('Require'), cancel.header('Contact'), cancel.header('Reason')]).toEqual([
      '1 CANCEL',
      `${invite.uri}`,
      undefined,
      undefined,
      'SIP;cause=200;text="Call completed elsewhere"',
    ]);
    layer.receive(responseTo(cancel, 200), tape);
    layer.receive(responseTo(invite, 487, { toTag: 'x' }), tape);
    expect(tape.lines).toEqual(['INVITE', 'CANCEL', 'CANCEL', 'ACK']);
    clock.advance(40_000);
    expect([heard, layer.size]).toEqual([['100', '487'], 0]);
  });

  test('§17.1.4 a flow that fails ends its client transactions and no others', () => {
    const { layer, tape } = house();
    const other = new Tape();
    const mine = hear();
    const its = hear();
    layer.request(request('OPTIONS', { branch: 'z9hG4bKa' }), tape, mine.user);
    layer.request(request('OPTIONS', { branch: 'z9hG4bKb' }), other, its.user);
    layer.onFlowFailed(tape);
    layer.onFlowFailed(tape);
    expect([mine.heard, its.heard, layer.counters.transportFailures]).toEqual([['transport'], [], 1]);
  });

  test('a user that throws does not keep the machine from its end', () => {
    const { layer, tape, clock, heap } = house();
    const boom = () => {
      throw new Error('boom');
    };
    const sent = request('OPTIONS');
    layer.request(sent, tape, { onResponse: boom, onEnd: boom });
    layer.receive(responseTo(sent, 200), tape);
    clock.advance(5000);
    expect([layer.size, heap.pending]).toEqual([0, 0]);
  });

  test('a request without a branch of its own is our mistake', () => {
    const { layer, tape } = house();
    expect(() => layer.request(request('OPTIONS', { branch: '' }), tape, hear().user)).toThrow(/branch/);
    layer.request(request('OPTIONS'), tape, hear().user);
    expect(() => layer.request(request('OPTIONS'), tape, hear().user)).toThrow(/branch/);
  });
});

describe('the end', () => {
  test('close: every user hears it, every table is empty, no timer is armed, nothing is sent', () => {
    const { layer, tape, heap, clock } = house();
    const heard: string[] = [];
    layer.request(request('INVITE', { branch: 'z9hG4bKmine' }), tape, { onResponse: () => {}, onEnd: (reason) => heard.push(reason) });
    layer.receive(request('INVITE', { callId: 'theirs' }), tape);
    layer.receive(request('OPTIONS', { callId: 'theirs too' }), tape);
    layer.close();
    clock.advance(100_000);
    expect([heard, layer.size, heap.pending, clock.pending, tape.lines]).toEqual([['stopped'], 0, 0, 0, ['INVITE']]);
  });

  test('a handler that throws answers 500', () => {
    const { layer, user, tape } = house();
    user.onNew = () => {
      throw new Error('boom');
    };
    layer.receive(request('OPTIONS'), tape);
    expect(tape.lines).toEqual(['500 OPTIONS']);
  });

  test('whatever happened, after the longest timer nothing is left', () => {
    const { layer, user, tape, clock, heap } = house();
    const random = new SeededRandom(3);
    user.onNew = (transaction) => {
      const dice = random.uint32() % 6;
      if (dice > 0) transaction.reply([200, 486, 408, 302, 180][dice - 1]!);
      if (dice === 5) transaction.reply(603);
      if (dice === 0 && transaction.request.method === 'INVITE') transaction.reply(480);
    };
    for (let i = 0; i < 500; i++) {
      const method = ['INVITE', 'OPTIONS', 'MESSAGE'][random.uint32() % 3]!;
      const parts = { branch: `z9hG4bK${i % 200}`, callId: `c${i % 200}`, cseq: random.uint32() % 3 };
      layer.receive(request(method, parts), tape);
      if (random.uint32() % 2) layer.receive(request('CANCEL', parts), tape);
      if (random.uint32() % 2) layer.receive(request('ACK', parts), tape);
      clock.advance(random.uint32() % 200);
    }
    clock.advance(64_000);
    expect([layer.size, heap.pending, clock.pending]).toEqual([0, 0, 0]);
  });
});
