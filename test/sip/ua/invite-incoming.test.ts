import { describe, expect, test } from 'vitest';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { type IncomingInviteOptions, receiveInvite } from '../../../src/sip/ua/invite-incoming.js';
import { OutgoingInvite } from '../../../src/sip/ua/invite-outgoing.js';
import type { InviteHandler } from '../../../src/sip/ua/invite-usage.js';
import { type RequestParts, ScriptedCore, sdp } from './scripted-core.js';

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? '' : new TextDecoder().decode(bytes));
const knows100rel: HeaderEntry = ['Supported', '100rel, timer'];

/** A call to us, with everything the handler hears written into the transcript. */
function called(
  parts: RequestParts = { sdp: 'offer' },
  answers: Partial<InviteHandler> = {},
  options: IncomingInviteOptions = { sessionExpiresS: 0 },
  core = new ScriptedCore(),
) {
  const exchange = core.receive('INVITE', parts);
  const usage = receiveInvite(core, exchange, options)!;
  const said = (line: string) => core.log(`  ${line}`);
  if (usage !== undefined)
    usage.handler = {
      onAck: (_ack, body) => said(`ack${body ? ` [${text(body.bytes)}]` : ''}`),
      onPrack: (request, body) => {
        said(`prack${body ? ` [${text(body.bytes)}]` : ''}`);
        return answers.onPrack?.(request, body);
      },
      onReinviteAck: (_ack, body) => said(`re-INVITE ack${body ? ` [${text(body.bytes)}]` : ''}`),
      onEnd: (end) => said(`end by ${end.by}`),
      ...(answers.onOffer && { onOffer: answers.onOffer }),
      ...(answers.onRefer && { onRefer: answers.onRefer }),
    };
  const ids = { toTag: exchange.toTag, ...(parts.callId !== undefined && { callId: parts.callId }) };
  return { core, exchange, usage, ids, said };
}

describe('a call to us, RFC 3261 §13.3', () => {
  test('rung, answered, acknowledged, hung up: transcript, and nothing left', async () => {
    const { core, exchange, usage, ids } = called();
    await usage.progress(180);
    const accepted = usage.accept({ body: sdp('answer'), headers: [['X-A', '1']] });
    expect(usage.state).toBe('confirmed');
    core.within('ACK', ids);
    await accepted;
    core.within('BYE', { ...ids, cseq: 2 });
    expect(core.take()).toEqual([
      '0 < INVITE 1 [offer]',
      '0 > 180 to INVITE',
      '0 > 200 to INVITE [answer]',
      '0 < ACK 1',
      '0   ack',
      '0 < BYE 2',
      '0 > 200 to BYE',
      '0   end by remote',
    ]);
    const [ringing, ok] = exchange.responses;
    for (const response of [ringing!, ok!])
      expect([response.to?.tag, response.header('Contact'), response.has('Allow'), response.has('Supported')]).toEqual([
        'a',
        '<sip:alice@192.0.2.1:5060>',
        true,
        true,
      ]);
    expect(ok?.header('X-A')).toBe('1');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§13.3.1.4 no ACK: the 2xx again and again, then BYE, and the answer is rejected', async () => {
    const { core, usage } = called();
    const accepted = usage.accept({ body: sdp('answer') });
    accepted.catch(() => {});
    await core.clock.run(32_000);
    await expect(accepted).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
    const lines = core.take();
    expect(lines.filter((line) => line.includes('200 to INVITE'))).toHaveLength(11);
    expect(lines.slice(-2)).toEqual(['32000 > BYE 1', '32000   end by timeout']);
    core.last('BYE').answer(481);
    await core.clock.run(0);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§15 hung up before the ACK: the session is over at once, the BYE waits for the ACK, or for its absence', async () => {
    const acked = called();
    acked.usage.accept({ body: sdp('answer') }).catch(() => {});
    void acked.usage.bye();
    expect(acked.core.take().slice(2)).toEqual(['0   end by local']);
    acked.core.within('ACK', acked.ids);
    await acked.core.clock.run(0);
    expect(acked.core.take()).toEqual(['0 < ACK 1', '0 > BYE 1']);
    const silent = called();
    silent.usage.accept({ body: sdp('answer') }).catch(() => {});
    void silent.usage.bye();
    await silent.core.clock.run(32_000);
    expect(silent.core.take().at(-1)).toBe('32000 > BYE 1');
    for (const { core } of [acked, silent]) {
      core.last('BYE').answer(200);
      await core.clock.run(0);
      expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
    }
  });

  test('§9.2 cancelled while ringing: 487, the reasons are told, and who answers a moment later is told why not', async () => {
    const { core, exchange, usage } = called();
    await usage.progress(180);
    const reasons: unknown[] = [];
    const { onEnd } = usage.handler;
    usage.handler = {
      onEnd: (end) => {
        reasons.push(
          end.request?.method,
          end.reasons.map(({ text }) => text),
        );
        onEnd?.(end);
      },
    };
    exchange.cancel([['Reason', 'SIP;cause=200;text="Call completed elsewhere"']]);
    expect(core.take().slice(2)).toEqual(['0 < CANCEL', '0 > 487 to INVITE', '0   end by cancel']);
    expect(reasons).toEqual(['CANCEL', ['Call completed elsewhere']]);
    await expect(usage.accept()).rejects.toMatchObject({ code: 'ERR_CALL_ENDED' });
    await expect(usage.progress(183)).rejects.toMatchObject({ code: 'ERR_CALL_ENDED' });
    expect(() => usage.reject(486)).toThrow(/ended/);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§9.2 a CANCEL behind the answer changes nothing', async () => {
    const { core, exchange, usage, ids } = called();
    const accepted = usage.accept();
    exchange.cancel();
    core.within('ACK', ids);
    await accepted;
    expect(usage.state).toBe('confirmed');
  });

  test('refused, redirected: the response, then the end', () => {
    const { core, exchange, usage } = called();
    usage.reject(302, { reason: 'Elsewhere', headers: [['Contact', '<sip:carol@example.net>']] });
    expect([exchange.last?.status, exchange.last?.reason, exchange.last?.header('Contact')]).toEqual([
      302,
      'Elsewhere',
      '<sip:carol@example.net>',
    ]);
    expect(core.take().at(-1)).toBe('0   end by local');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('what may not be asked is refused at the door', async () => {
    const { usage, core, ids } = called();
    await expect(usage.progress(100)).rejects.toMatchObject({ code: 'ERR_OPTION' });
    await expect(usage.progress(200)).rejects.toMatchObject({ code: 'ERR_OPTION' });
    await expect(usage.progress(183, { reliable: 'always' })).rejects.toThrow(/100rel/);
    expect(() => usage.reject(200)).toThrow(/300/);
    const accepted = usage.accept();
    await expect(usage.accept()).rejects.toMatchObject({ code: 'ERR_STATE' });
    await expect(usage.progress(180)).rejects.toMatchObject({ code: 'ERR_STATE' });
    expect(() => usage.reject(486)).toThrow();
    core.within('ACK', ids);
    await accepted;
  });

  test('hung up before the answer: a refusal, with the reason', async () => {
    const { exchange, usage } = called();
    await usage.bye({ reason: 'Q.850;cause=17' });
    expect([exchange.last?.status, exchange.last?.header('Reason')]).toEqual([480, 'Q.850;cause=17']);
  });

  test('§15.1.2 they hang up in the early dialog: 200 to the BYE, 487 to the INVITE', async () => {
    const { core, usage, ids } = called();
    await usage.progress(183, { body: sdp('early') });
    core.within('BYE', { ...ids, cseq: 2 });
    expect(core.take().slice(2)).toEqual(['0 < BYE 2', '0 > 200 to BYE', '0 > 487 to INVITE', '0   end by remote']);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§13.3.1 the INVITE expires', async () => {
    const { core } = called({ sdp: 'offer', headers: [['Expires', '20']] });
    await core.clock.run(20_000);
    expect(core.take().slice(1)).toEqual(['20000 > 487 to INVITE', '20000   end by timeout']);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§13.3.1.1 ringing is said again every minute, so that no proxy gives up', async () => {
    const { core, usage } = called();
    await usage.progress(180);
    await core.clock.run(150_000);
    expect(core.take().slice(1)).toEqual(['0 > 180 to INVITE', '60000 > 180 to INVITE', '120000 > 180 to INVITE']);
  });

  test('late offer: ours in the 2xx, the answer in the ACK; re-INVITEs meanwhile meet with 491', async () => {
    const { core, usage, ids } = called({}, { onOffer: () => ({ status: 200 }) });
    const accepted = usage.accept({ body: sdp('our offer') });
    expect(core.within('INVITE', { ...ids, cseq: 2, sdp: 'x' }).last?.status).toBe(491);
    core.within('ACK', { ...ids, sdp: 'their answer' });
    await accepted;
    expect(core.take().at(-1)).toBe('0   ack [their answer]');
    expect(core.within('INVITE', { ...ids, cseq: 3, sdp: 'x' }).last?.status).toBe(200);
  });

  test('§14.1 a re-INVITE before the ACK shows that the 2xx was seen: answered calls do not wait for an ACK that was lost', async () => {
    const { core, usage, ids } = called({ sdp: 'offer' }, { onOffer: () => ({ status: 200, body: sdp('fine') }) });
    const accepted = usage.accept({ body: sdp('answer') });
    core.within('INVITE', { ...ids, cseq: 2, sdp: 'hold' });
    await accepted;
    core.within('ACK', { ...ids, cseq: 1 });
    core.within('ACK', { ...ids, cseq: 2 });
    expect(core.take().slice(2)).toEqual([
      '0 < INVITE 2 [hold]',
      '0   ack',
      '0 > 200 to INVITE [fine]',
      '0 < ACK 1',
      '0 < ACK 2',
      '0   re-INVITE ack',
    ]);
    await core.clock.run(32_000);
    expect(core.take()).toEqual([]);
  });

  test('an ACK with another number, or of nobody, is a stray', async () => {
    const { core, usage, ids } = called();
    usage.accept().catch(() => {});
    core.within('ACK', { ...ids, cseq: 7 });
    core.within('ACK', { toTag: 'nobody' });
    expect(core.take().slice(2)).toEqual(['0 < ACK 7', '0 < ACK 1', '0 stray ACK']);
  });

  test('a handler that throws on the ACK ends the call, and only it', async () => {
    const { core, usage, ids } = called();
    usage.handler = {
      onAck: () => {
        throw new Error('boom');
      },
    };
    usage.accept().catch(() => {});
    core.within('ACK', ids);
    expect(usage.state).toBe('ended');
    expect(core.take().at(-1)).toBe('0 > BYE 1');
  });

  test('the response can be sent nowhere: over', () => {
    const { core, exchange } = called();
    exchange.onFailure?.('transport');
    expect(core.take().slice(1)).toEqual(['0   end by transport']);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('the agent closes: unanswered is refused, answered is hung up, without a way it is over', () => {
    const early = called();
    early.core.dialogs.terminateAll('local');
    expect(early.core.take().slice(1)).toEqual(['0 > 480 to INVITE', '0   end by local']);
    const mute = called();
    mute.core.dialogs.terminateAll('transport');
    expect(mute.core.take().slice(1)).toEqual(['0   end by transport']);
    const up = called();
    up.usage.accept().catch(() => {});
    up.core.dialogs.terminateAll('transport');
    for (const { core } of [early, mute, up]) expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });
});

describe('reliable provisionals of ours, RFC 3262 §3', () => {
  const offering = { sdp: 'offer', headers: [knows100rel] };
  const rack = (exchange: { responses: { rseq: number | undefined }[] }, index = -1): HeaderEntry => [
    'RAck',
    `${exchange.responses.at(index)!.rseq} 1 INVITE`,
  ];

  test('with a description, to one who can: sent until the PRACK; then progress resolves', async () => {
    const { core, exchange, usage, ids } = called(offering);
    let resolved = false;
    void usage.progress(183, { body: sdp('early answer') }).then(() => {
      resolved = true;
    });
    await core.clock.run(600);
    expect(resolved).toBe(false);
    expect(exchange.last?.require).toEqual(['100rel']);
    core.within('PRACK', { ...ids, cseq: 2, headers: [rack(exchange)] });
    await core.clock.run(0);
    expect(resolved).toBe(true);
    expect(core.take().slice(1)).toEqual([
      '0 > 183 to INVITE [early answer]',
      '500 > 183 to INVITE [early answer]',
      '600 < PRACK 2',
      '600   prack',
      '600 > 200 to PRACK',
    ]);
  });

  test('without one, or when never wanted, unreliable; who requires it gets it always', async () => {
    const plain = called(offering);
    await plain.usage.progress(180);
    await plain.usage.progress(183, { body: sdp('x'), reliable: 'never' });
    expect(plain.exchange.responses.map(({ rseq }) => rseq)).toEqual([undefined, undefined]);
    const strict = called({ sdp: 'offer', headers: [['Require', '100rel']] });
    void strict.usage.progress(180, { reliable: 'never' });
    expect(strict.exchange.last?.rseq).toBeGreaterThan(0);
    void called(offering).usage.progress(180, { reliable: 'ifSupported' });
  });

  test('§3, §5 the 2xx waits for the PRACK of a description', async () => {
    const { core, exchange, usage, ids } = called(offering);
    void usage.progress(183, { body: sdp('early answer') });
    const accepted = usage.accept({ body: sdp('answer') });
    await core.clock.run(0);
    expect(usage.state).toBe('early');
    core.within('PRACK', { ...ids, cseq: 2, headers: [rack(exchange)] });
    await core.clock.run(0);
    expect(usage.state).toBe('confirmed');
    core.within('ACK', ids);
    await accepted;
    expect(core.take().slice(2)).toEqual([
      '0 < PRACK 2',
      '0   prack',
      '0 > 200 to PRACK',
      '0 > 200 to INVITE [answer]',
      '0 < ACK 1',
      '0   ack',
    ]);
  });

  test('§3 a 2xx overtakes one without description, whose PRACK is still answered', async () => {
    const { core, exchange, usage, ids } = called(offering);
    const rung = usage.progress(180, { reliable: 'always' });
    usage.accept({ body: sdp('answer') }).catch(() => {});
    await rung;
    expect(core.within('PRACK', { ...ids, cseq: 2, headers: [rack(exchange, 0)] }).last?.status).toBe(200);
    expect(core.within('PRACK', { ...ids, cseq: 3, headers: [rack(exchange, 0)] }).last?.status).toBe(481);
  });

  test('no PRACK: the INVITE is refused with a 5xx, and progress rejects', async () => {
    const { core, usage } = called(offering);
    const rung = usage.progress(183, { body: sdp('x') });
    rung.catch(() => {});
    await core.clock.run(32_000);
    await expect(rung).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
    expect(core.take().slice(-2)).toEqual(['32000 > 504 to INVITE', '32000   end by timeout']);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('cancelled meanwhile: progress and accept reject', async () => {
    const { core, exchange, usage } = called(offering);
    const rung = usage.progress(183, { body: sdp('x') });
    const accepted = usage.accept();
    exchange.cancel();
    await expect(rung).rejects.toMatchObject({ code: 'ERR_CALL_CANCELLED' });
    await expect(accepted).rejects.toMatchObject({ code: 'ERR_CALL_CANCELLED' });
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§5 our offer in the 1xx, their answer in the PRACK; their next offer in a PRACK, our answer in its 200', async () => {
    const { core, exchange, usage, ids } = called(
      { headers: [knows100rel] },
      { onPrack: (_request, body) => (text(body?.bytes) === 'next offer' ? sdp('next answer') : undefined) },
    );
    void usage.progress(183, { body: sdp('our offer') });
    core.within('PRACK', { ...ids, cseq: 2, headers: [rack(exchange)], sdp: 'their answer' });
    void usage.progress(180, { reliable: 'always' });
    core.within('PRACK', { ...ids, cseq: 3, headers: [rack(exchange)], sdp: 'next offer' });
    expect(core.take().slice(1)).toEqual([
      '0 > 183 to INVITE [our offer]',
      '0 < PRACK 2 [their answer]',
      '0   prack [their answer]',
      '0 > 200 to PRACK',
      '0 > 180 to INVITE',
      '0 < PRACK 3 [next offer]',
      '0   prack [next offer]',
      '0 > 200 to PRACK [next answer]',
    ]);
  });

  test('§3 ringing goes on reliably, every two and a half minutes, with numbers of its own', async () => {
    const { core, exchange, usage, ids } = called({ sdp: 'offer', headers: [['Require', '100rel']] });
    void usage.progress(180);
    core.within('PRACK', { ...ids, cseq: 2, headers: [rack(exchange)] });
    await core.clock.run(150_000);
    expect(core.take().at(-1)).toBe('150000 > 180 to INVITE');
    expect(exchange.responses.at(-1)!.rseq).toBe(exchange.responses[0]!.rseq! + 1);
  });
});

describe('session timers in a call to us, RFC 4028 §9', () => {
  const timed = (headers: HeaderEntry[], options: IncomingInviteOptions = {}) => called({ sdp: 'offer', headers }, {}, options);

  test('422 before anybody is troubled', () => {
    const { exchange, usage, core } = timed([knows100rel, ['Session-Expires', '30']]);
    expect(usage).toBeUndefined();
    expect([exchange.last?.status, exchange.last?.header('Min-SE')]).toEqual([422, '90']);
    expect(core.dialogs.size).toBe(0);
  });

  test('granted in the 2xx; refreshed by us at half the time', async () => {
    const { core, exchange, usage, ids } = timed([knows100rel, ['Session-Expires', '200'], ['Allow', 'INVITE, UPDATE']]);
    void usage.accept({ body: sdp('answer') });
    core.within('ACK', ids);
    expect([exchange.last?.header('Session-Expires'), exchange.last?.require]).toEqual(['200;refresher=uas', ['timer']]);
    core.take();
    await core.clock.run(100_000);
    expect(core.take()).toEqual(['100000 > UPDATE 1']);
    expect(core.last('UPDATE').request.header('Session-Expires')).toBe('200;refresher=uac');
  });

  test('they were to refresh, and did not: BYE', async () => {
    const { core, usage, ids } = timed([knows100rel, ['Session-Expires', '90;refresher=uac']]);
    void usage.accept({ body: sdp('answer') });
    core.within('ACK', ids);
    core.take();
    await core.clock.run(60_000);
    expect(core.take()).toEqual(['60000 > BYE 1', '60000   end by timeout']);
  });
});

describe('Replaces, RFC 3891 §3', () => {
  const replaces = (value: string): RequestParts => ({ callId: 'other', fromTag: 'c', sdp: 'offer', headers: [['Replaces', value]] });
  const status = (core: ScriptedCore, parts: RequestParts) => called(parts, {}, {}, core).exchange.last?.status;

  test('a call that is up gives its place when the new one is accepted: BYE, ended as replaced', async () => {
    const { core, usage, ids } = called();
    void usage.accept();
    core.within('ACK', ids);
    core.take();
    const next = called(replaces('call;to-tag=a;from-tag=b'), {}, {}, core);
    expect(next.usage.replaces).toBe(usage);
    expect(usage.state).toBe('confirmed');
    void next.usage.accept();
    expect(core.take()).toEqual(['0 < INVITE 1 [offer]', '0 > 200 to INVITE', '0 > BYE 1', '0   end by replaced']);
  });

  test('refused, the old call goes on', async () => {
    const { core, usage, ids } = called();
    void usage.accept();
    core.within('ACK', ids);
    called(replaces('call;to-tag=a;from-tag=b'), {}, {}, core).usage.reject(603);
    expect(usage.state).toBe('confirmed');
  });

  test('an early call of ours is cancelled in favour of the new one', () => {
    const core = new ScriptedCore();
    const ends: string[] = [];
    const out = new OutgoingInvite(core, {
      uri: 'sip:b@example.org',
      from: '<sip:a@example.com>',
      handler: { onEnd: (end) => ends.push(end.by) },
    });
    core.sent[0]!.answer(180);
    const next = called(replaces(`${out.callId};to-tag=${out.localTag};from-tag=b;early-only`), {}, {}, core);
    void next.usage.accept();
    expect(core.sent[0]!.isCancelled).toBe(true);
    core.sent[0]!.answer(487);
    expect(ends).toEqual(['replaced']);
  });

  test('§3 the refusals: no such dialog 481, early call to us 481, early-only and answered 486, two of them or a Join 400', async () => {
    const { core, usage, ids } = called();
    expect(status(core, replaces('nobody;to-tag=a;from-tag=b'))).toBe(481);
    expect(status(core, replaces('call;to-tag=a;from-tag=b'))).toBe(481);
    void usage.accept();
    core.within('ACK', ids);
    expect(status(core, replaces('call;to-tag=a;from-tag=b;early-only'))).toBe(486);
    expect(
      status(core, {
        ...replaces('call;to-tag=a;from-tag=b'),
        headers: [
          ['Replaces', 'x;to-tag=1;from-tag=2'],
          ['Replaces', 'y;to-tag=1;from-tag=2'],
        ],
      }),
    ).toBe(400);
    expect(
      status(core, {
        callId: 'other',
        headers: [
          ['Replaces', 'call;to-tag=a;from-tag=b'],
          ['Join', 'call;to-tag=a;from-tag=b'],
        ],
      }),
    ).toBe(400);
    expect(status(core, replaces('malformed'))).toBe(400);
  });

  test('§3 a dialog that is ending is declined', () => {
    const { core, usage, ids } = called();
    void usage.accept();
    core.within('ACK', ids);
    void usage.bye();
    expect(status(core, replaces('call;to-tag=a;from-tag=b'))).toBe(603);
  });
});
