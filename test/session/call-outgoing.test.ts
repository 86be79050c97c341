/** What one INVITE can bring that two honest agents never do: forks, odd answers, redirections. The signalling is a fake; the media is real. */
import { afterEach, describe, expect, test } from 'vitest';
import type { CallOptions } from '../../src/session/call-options.js';
import type { CallSession } from '../../src/session/call-session.js';
import type { TransferRequest } from '../../src/session/transfer-request.js';
import { SipRequest, SipResponse } from '../../src/sip/message/message.js';
import type { OutgoingCall } from '../../src/sip/ua/invite-outgoing.js';
import type { Body, InviteHandler, OutgoingInviteOptions } from '../../src/sip/ua/invite-usage.js';
import { log, type Party, Wire } from './support/party.js';

let wire: Wire;
let alice: Party;
const invites: FakeInvite[] = [];

/** An INVITE that does what the test says. */
class FakeInvite {
  readonly options: OutgoingInviteOptions;
  handler: InviteHandler;
  readonly byes: (string | undefined)[] = [];
  readonly request: SipRequest;
  readonly callId = 'c';
  readonly localTag = 'l';
  readonly localSequence = 1;
  readonly remoteAddress = undefined;
  readonly allows = new Set<string>();

  constructor(options: OutgoingInviteOptions) {
    this.options = options;
    this.handler = options.handler!;
    this.request = new SipRequest('INVITE', options.uri, [
      ['From', `${options.from};tag=l`],
      ['To', `<${String(options.uri)}>`],
      ['Call-ID', 'c'],
      ['CSeq', '1 INVITE'],
    ]);
  }

  get to(): string {
    return String(this.options.uri);
  }

  async bye(options: { reason?: string } = {}): Promise<void> {
    this.byes.push(options.reason);
  }

  provisional(status: number, dialogId: string, sdp?: Body, delivery: 'reliable' | 'unreliable' = 'unreliable'): Body | undefined {
    return this.handler.onProvisional?.(new SipResponse(status), dialogId, sdp, delivery);
  }

  success(dialogId: string, sdp?: Body): Body | undefined {
    return this.handler.onSuccess?.(new SipResponse(200), dialogId, sdp) as Body | undefined;
  }

  fail(status: number, ...contacts: string[]): void {
    const response = new SipResponse(
      status,
      undefined,
      contacts.map((contact) => ['Contact', contact] as const),
    );
    const { handler } = this;
    handler.onFailure?.(response);
    this.handler.onEnd?.({ by: 'remote', response, reasons: [] });
  }
}

async function dial(options: CallOptions = {}, target: { description?: 'none' } = {}): Promise<[CallSession, FakeInvite, string[]]> {
  wire = new Wire();
  alice = await wire.party(1, options);
  invites.length = 0;
  (alice.context as { invite: unknown }).invite = (given: OutgoingInviteOptions) => {
    const invite = new FakeInvite(given);
    invites.push(invite);
    return invite as unknown as OutgoingCall;
  };
  const call = alice.dial('sip:b@10.0.0.2', target);
  const told = log(call);
  await wire.run(0);
  return [call, invites[0]!, told];
}

function sdp(port: number, formats = '0', address = '10.0.0.2'): Body {
  const text = `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP ${formats}\r\n`;
  return { contentType: 'application/sdp', bytes: Buffer.from(text) };
}

afterEach(async () => {
  expect(wire.errors).toEqual([]);
  await wire.close();
});

describe('§13.2.2.4 forks', () => {
  test('each has early media of its own: the latest is heard, and the one that answers stays', async () => {
    const [call, invite, told] = await dial();
    invite.provisional(183, 'a', sdp(6000));
    expect(call.media?.remote?.port).toBe(6000);
    invite.provisional(183, 'b', sdp(7000, '8'));
    expect([call.media?.remote?.port, call.codec?.codec]).toEqual([7000, 'pcma']);
    invite.provisional(180, 'c');
    expect(call.media?.remote?.port).toBe(7000);
    invite.success('a', sdp(6000));
    expect([call.media?.remote?.port, call.codec?.codec]).toEqual([6000, 'pcmu']);
    expect(told).toEqual(['codec pcmu', 'early', 'codec pcma', 'ringing', 'codec pcmu', 'answered']);
    await call.hangup();
  });

  test('one that never showed itself answers', async () => {
    const [call, invite] = await dial();
    invite.provisional(183, 'a', sdp(6000));
    invite.success('z', sdp(8000));
    expect([call.state, call.media?.remote?.port]).toEqual(['answered', 8000]);
    await call.hangup();
  });

  test('one whose answer came reliably, and another in front of it: the 2xx without a body brings its media back', async () => {
    const [call, invite] = await dial();
    invite.provisional(183, 'a', sdp(6000), 'reliable');
    invite.provisional(183, 'b', sdp(7000));
    invite.success('a');
    expect([call.state, call.media?.remote?.port]).toEqual(['answered', 6000]);
    await call.hangup();
  });
});

describe('odd answers', () => {
  test('a 2xx without a description settles for the preview; without either the call cannot be', async () => {
    const [call, invite] = await dial();
    invite.provisional(183, 'a', sdp(6000));
    invite.success('a');
    expect(call.state).toBe('answered');
    await call.hangup();
    const [other, bare] = await dial();
    bare.success('a');
    expect(other.end).toMatchObject({ reason: 'failed', by: 'local', status: 488 });
    expect(bare.byes).toEqual([expect.stringContaining('488')]);
    await expect(other.answered).rejects.toMatchObject({ code: 'ERR_CALL_FAILED', status: 488 });
  });

  test('a 2xx whose description is no answer: acknowledged, and the call ends', async () => {
    const [call, invite] = await dial();
    expect(invite.success('a', sdp(6000, '18'))).toBeUndefined();
    expect(call.end).toMatchObject({ reason: 'failed', status: 488 });
    expect(invite.byes).toHaveLength(1);
  });

  test('an unreliable preview that is no answer is passed over', async () => {
    const [call, invite] = await dial();
    invite.provisional(183, 'a', sdp(6000, '18'));
    expect(call.state).toBe('ringing');
    invite.success('a', sdp(6000));
    expect(call.state).toBe('answered');
    await call.hangup();
  });

  test('RFC 6337 §3.1.1: a 2xx after a reliable answer repeats it, and cannot be an offer', async () => {
    const [call, invite] = await dial();
    invite.provisional(183, 'a', sdp(6000), 'reliable');
    expect(invite.success('a', sdp(6000))).toBeUndefined();
    expect([call.state, call.media?.remote?.port]).toEqual(['answered', 6000]);
    await call.hangup();
  });

  test('the callee offers, in a reliable 1xx or in the 2xx: our answer goes into the PRACK or the ACK', async () => {
    const [call, invite] = await dial({}, { description: 'none' });
    expect(invite.options.body).toBeUndefined();
    expect(invite.provisional(183, 'a', sdp(6000, '8 0'))).toBeUndefined();
    expect(call.state).toBe('ringing');
    const answer = invite.provisional(183, 'a', sdp(6000, '8 0'), 'reliable');
    expect(Buffer.from(answer!.bytes).toString()).toContain('RTP/AVP 8 0');
    expect(invite.success('a')).toBeUndefined();
    expect(call.state).toBe('answered');
    await call.hangup();
    const [other, second] = await dial({}, { description: 'none' });
    expect(Buffer.from(second.success('a', sdp(6000, '0'))!.bytes).toString()).toContain('RTP/AVP 0');
    await other.hangup();
  });

  test('a host name in c= is looked up; a call whose peer stays unknown goes on', async () => {
    const [call, invite] = await dial();
    const asked: string[] = [];
    (alice.context as { lookup?: unknown }).lookup = async (name: string) => {
      asked.push(name);
      return '10.0.0.2';
    };
    invite.success('a', sdp(6000, '0', 'media.example.com'));
    await wire.run(200);
    expect(asked).toEqual(['media.example.com']);
    expect(wire.packets.get('10.0.0.1>10.0.0.2')?.count).toBeGreaterThan(5);
    await call.hangup();
  });
});

describe('3xx to a call of ours, §8.1.3.4', () => {
  test('followed where that is wanted: one target after the other, best first, in the same Call-ID', async () => {
    const [call, first] = await dial({ redirects: 'follow' });
    first.fail(302, '<sip:late@10.0.0.4>;q=0.1', '<sip:soon@10.0.0.3>;q=0.9');
    expect(invites.map((invite) => invite.to)).toEqual(['sip:b@10.0.0.2', 'sip:soon@10.0.0.3']);
    expect(invites[1]!.options.after).toBe(first);
    invites[1]!.fail(486);
    expect(invites[2]!.to).toBe('sip:late@10.0.0.4');
    expect(Buffer.from(invites[2]!.options.body!.bytes).toString()).toContain('m=audio');
    invites[2]!.success('x', sdp(6000));
    expect(call.state).toBe('answered');
    await call.hangup();
  });

  test('round in a circle: the call ends with the last 3xx', async () => {
    const [call, first] = await dial({ redirects: 'follow' });
    first.fail(302, '<sip:c@10.0.0.3>');
    invites[1]!.fail(302, '<sip:b@10.0.0.2>');
    expect(invites).toHaveLength(2);
    expect(call.end).toMatchObject({ reason: 'redirected', by: 'remote', status: 302 });
  });

  test('not more often than `maxRedirects`', async () => {
    const [call, first] = await dial({ redirects: 'follow', maxRedirects: 2 });
    first.fail(302, '<sip:c@10.0.0.3>');
    invites[1]!.fail(302, '<sip:d@10.0.0.4>');
    invites[2]!.fail(302, '<sip:e@10.0.0.5>');
    expect(invites).toHaveLength(3);
    expect(call.end).toMatchObject({ reason: 'redirected', status: 302 });
  });

  test('§21.6 a global failure is not tried elsewhere', async () => {
    const [call, first] = await dial({ redirects: 'follow' });
    first.fail(302, '<sip:c@10.0.0.3>', '<sip:d@10.0.0.4>;q=0.5');
    invites[1]!.fail(603);
    expect(invites).toHaveLength(2);
    expect(call.end).toMatchObject({ reason: 'rejected', status: 603 });
  });

  test('by default nothing acts by itself: nobody listens, and the call ends', async () => {
    const [call, first] = await dial();
    first.fail(302, '<sip:c@10.0.0.3>');
    expect(invites).toHaveLength(1);
    expect(call.end).toMatchObject({ reason: 'redirected', by: 'remote', status: 302 });
  });

  test('surfaced: whoever listens may go on, or not', async () => {
    const [call, first, told] = await dial();
    const requests: TransferRequest[] = [];
    call.on('transferRequest', (request) => requests.push(request));
    first.fail(302, '<sip:c@10.0.0.3>');
    expect([call.state, requests[0]?.kind, requests[0]?.targets.map(String)]).toEqual(['ringing', 'redirect', ['sip:c@10.0.0.3']]);
    expect(requests[0]!.accept()).toBe(call);
    expect(requests[0]!.accept()).toBeUndefined();
    expect(invites[1]!.to).toBe('sip:c@10.0.0.3');
    invites[1]!.fail(301, '<sip:d@10.0.0.4>');
    requests[1]!.reject();
    expect(told).toEqual(['ended redirected local 301 16']);
  });
});
