import { describe, expect, test } from 'vitest';
import { callEnd, type EndedUsage } from '../../src/session/call-end.js';
import { causeOfReasons, causeOfStatus, nameOfCause } from '../../src/session/q850.js';
import { SipRequest, SipResponse } from '../../src/sip/message/message.js';
import { parseReason, type Reason } from '../../src/sip/message/reason.js';
import { LocalResponse } from '../../src/sip/ua/local-response.js';

function reasons(...texts: string[]): Reason[] {
  return texts.map((text) => parseReason(text)!);
}

function ended(end: Partial<EndedUsage['end']>, options: Partial<EndedUsage> = {}, meant?: Parameters<typeof callEnd>[1]): string {
  const { reason, by, status, cause, text } = callEnd(
    {
      end: { by: 'remote', reasons: [], ...end },
      wasAnswered: false,
      direction: 'out',
      isLocalResponse: () => false,
      ...options,
    },
    meant,
  );
  return [reason, by, status, cause, text].filter((one) => one !== undefined).join(' ');
}

describe('how a call ended', () => {
  test.each([
    ['they hang up', ended({ by: 'remote' }, { wasAnswered: true }), 'hangup remote 200 16'],
    [
      'they hang up and say why (RFC 3326)',
      ended({ by: 'remote', reasons: reasons('SIP;cause=480', 'Q.850;cause=31;text="Later"') }, { wasAnswered: true }),
      'hangup remote 200 31 Later',
    ],
    ['they refuse', ended({ response: new SipResponse(486) }), 'rejected remote 486 17 Busy Here'],
    [
      'they refuse, and the network says more',
      ended({ response: new SipResponse(404), reasons: reasons('Q.850;cause=28') }),
      'rejected remote 404 28 Not Found',
    ],
    ['they point elsewhere', ended({ response: new SipResponse(302) }), 'redirected remote 302 Moved Temporarily'],
    [
      'nobody answers',
      ended({ by: 'timeout', response: new SipResponse(408) }, { isLocalResponse: () => true }),
      'noAnswer network 408 102',
    ],
    [
      'there is no way there',
      ended({ by: 'transport', response: new SipResponse(503) }, { isLocalResponse: () => true }),
      'failed network 503 41',
    ],
    [
      'the name leads nowhere, says the agent by a 404 of its own',
      ended({ by: 'timeout', response: new LocalResponse(new SipRequest('INVITE', 'sip:x@y.invalid'), 404, 'nowhere') }),
      'failed network 404 1 nowhere',
    ],
    ['the caller gives up', ended({ by: 'cancel' }, { direction: 'in' }), 'cancelled remote 487 16'],
    [
      'somebody else took it (RFC 3326 §2)',
      ended({ by: 'cancel', reasons: reasons('SIP;cause=200;text="Call completed elsewhere"') }, { direction: 'in' }),
      'cancelled remote 487 26 Call completed elsewhere',
    ],
    ['a BYE before the answer', ended({ by: 'remote' }, { direction: 'in' }), 'cancelled remote 487 16'],
    ['another call took its place', ended({ by: 'replaced' }, { wasAnswered: true }), 'replaced remote 200 16'],
    ['the session was not refreshed', ended({ by: 'timeout' }, { wasAnswered: true }), 'sessionTimeout network 200 102'],
    ['the connection is gone', ended({ by: 'transport' }, { wasAnswered: true }), 'failed network 200 41'],
    ['the agent closes', ended({ by: 'local' }, { wasAnswered: true }), 'hangup local 200 16'],
    ['the agent closes before the answer', ended({ by: 'local' }), 'cancelled local 487 16'],
    ['we hang up', ended({ by: 'local' }, { wasAnswered: true }, { reason: 'hangup' }), 'hangup local 200 16'],
    ['we refuse', ended({ by: 'local' }, { direction: 'in' }, { reason: 'rejected', status: 603 }), 'rejected local 603 21'],
    [
      'what we meant counts, not how the wire let go',
      ended({ by: 'remote', response: new SipResponse(487) }, {}, { reason: 'noAnswer', status: 408, cause: 19 }),
      'noAnswer local 408 19',
    ],
  ])('%s', (_what, found, expected) => {
    expect(found).toBe(expected);
  });
});

describe('Q.850, RFC 3398 §8.2.6.1', () => {
  test.each([
    [404, 1],
    [480, 18],
    [486, 17],
    [408, 102],
    [503, 41],
    [600, 17],
    [200, undefined],
    [299, undefined],
  ])('status %i is cause %s', (status, cause) => {
    expect(causeOfStatus(status)).toBe(cause);
  });

  test('Reason: Q.850 before SIP, and nonsense is no cause', () => {
    expect(causeOfReasons(reasons('SIP;cause=486', 'q.850;cause=17'))).toBe(17);
    expect(causeOfReasons(reasons('SIP;cause=486'))).toBe(17);
    for (const cause of [0, 300]) expect(causeOfReasons(reasons(`Q.850;cause=${cause}`))).toBeUndefined();
    expect(causeOfReasons(reasons('Q.850', 'preemption;cause=1'))).toBeUndefined();
    expect(causeOfReasons([])).toBeUndefined();
    expect(nameOfCause(16)).toBe('Normal call clearing');
    expect(nameOfCause(126)).toBeUndefined();
  });
});
