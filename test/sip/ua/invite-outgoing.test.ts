import { describe, expect, test } from 'vitest';
import { OutgoingInvite } from '../../../src/sip/ua/invite-outgoing.js';
import type { InviteHandler, OutgoingInviteOptions } from '../../../src/sip/ua/invite-usage.js';
import { ScriptedCore, sdp } from './scripted-core.js';

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? '' : new TextDecoder().decode(bytes));

/** A call of ours, with everything the handler hears written into the transcript. */
function call(options: Partial<OutgoingInviteOptions> = {}, answers: Partial<InviteHandler> = {}) {
  const core = new ScriptedCore();
  const said = (line: string) => core.log(`  ${line}`);
  const handler: InviteHandler = {
    onProvisional: (response, id, body, reliable) => {
      said(`provisional ${response.status} ${id} ${reliable}${body ? ` [${text(body.bytes)}]` : ''}`);
      return answers.onProvisional?.(response, id, body, reliable);
    },
    onPrackSuccess: (_response, id, body) => said(`prack success ${id} [${text(body?.bytes)}]`),
    onSuccess: (response, id, body) => {
      said(`success ${response.status} ${id}${body ? ` [${text(body.bytes)}]` : ''}`);
      return answers.onSuccess?.(response, id, body);
    },
    onFailure: (response) => said(`failure ${response.status}`),
    onEnd: (end) => said(`end by ${end.by}${end.response ? ` ${end.response.status}` : ''}`),
    ...(answers.onOffer && { onOffer: answers.onOffer }),
    ...(answers.onRequest && { onRequest: answers.onRequest }),
    ...(answers.onRefer && { onRefer: answers.onRefer }),
  };
  const usage = new OutgoingInvite(core, {
    uri: 'sip:bob@example.org',
    from: '<sip:alice@example.com>',
    body: sdp('offer'),
    sessionExpiresS: 0,
    handler,
    ...options,
  });
  const ids = { callId: usage.callId, toTag: usage.localTag };
  return { core, usage, ids, said };
}

describe('a call of ours, RFC 3261 §13.2', () => {
  test('§13.2.1 the INVITE says who, what we can, and what we offer', () => {
    const { core, usage } = call({ headers: [['X-Test', '1']], route: ['<sip:proxy.example.com;lr>'] });
    const { request } = core.sent[0]!;
    expect(request.entries).toEqual([
      ['Via', 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK0'],
      ['Route', '<sip:proxy.example.com;lr>'],
      ['From', `<sip:alice@example.com>;tag=${usage.localTag}`],
      ['To', '<sip:bob@example.org>'],
      ['Call-ID', usage.callId],
      ['CSeq', '1 INVITE'],
      ['Max-Forwards', '70'],
      ['Allow', core.allow.join(', ')],
      ['Supported', '100rel, timer, replaces, norefersub'],
      ['X-Test', '1'],
      ['Content-Type', 'application/sdp'],
      ['Contact', '<sip:alice@192.0.2.1:5060>'],
    ]);
  });

  test('answered, then hung up by us: every table empty once the BYE is answered and no 2xx can come again', async () => {
    const { core, usage } = call();
    core.sent[0]!.answer(100, { tag: null });
    core.sent[0]!.answer(180);
    core.sent[0]!.answer(200, { sdp: 'answer' });
    expect(usage.state).toBe('confirmed');
    expect(core.dialogs.size).toBe(1);
    const bye = usage.bye();
    expect(usage.state).toBe('ended');
    core.last('BYE').answer(200);
    await bye;
    expect(core.take()).toEqual([
      '0 > INVITE 1 [offer]',
      '0 < 100',
      '0 < 180',
      '0   provisional 180 b unreliable',
      '0 < 200 [answer]',
      '0   success 200 b [answer]',
      '0 > ACK 1',
      '0 > BYE 2',
      '0   end by local',
      '0 < 200',
    ]);
    await core.clock.run(0);
    expect(core.dialogs.size).toBe(0);
    await core.clock.run(32_000);
    expect(core.clock.pending).toBe(0);
  });

  test('§13.2.2.4 late offer: the answer goes into the ACK, now or later, and the same ACK goes out for the 2xx again', async () => {
    let answer!: (body: ReturnType<typeof sdp>) => void;
    const { core, usage } = call({ body: undefined } as never, { onSuccess: () => new Promise((resolve) => (answer = resolve)) });
    core.sent[0]!.answer(200, { sdp: 'their offer' });
    core.sent[0]!.answer(200, { sdp: 'their offer' });
    expect(core.acks).toHaveLength(0);
    answer(sdp('our answer'));
    await core.clock.run(0);
    core.sent[0]!.answer(200, { sdp: 'their offer' });
    expect(core.take()).toEqual([
      '0 > INVITE 1',
      '0 < 200 [their offer]',
      '0   success 200 b [their offer]',
      '0 < 200 [their offer]',
      '0 > ACK 1 [our answer]',
      '0 < 200 [their offer]',
      '0 > ACK 1 [our answer]',
    ]);
    expect(core.acks[0]!.ack).toBe(core.acks[1]!.ack);
    expect(usage.state).toBe('confirmed');
  });

  test('§15 hung up before the late offer was answered: the ACK leaves before the BYE', () => {
    const { core, usage } = call({ body: undefined } as never, { onSuccess: () => new Promise(() => {}) });
    core.sent[0]!.answer(200, { sdp: 'their offer' });
    void usage.bye();
    expect(core.take().slice(3)).toEqual(['0 > ACK 1', '0 > BYE 2', '0   end by local']);
  });

  test('a session above that fails on the 2xx: acknowledged, then BYE, and only this call', async () => {
    for (const onSuccess of [
      () => {
        throw new Error('boom');
      },
      () => Promise.reject(new Error('boom')),
    ]) {
      const { core } = call({}, { onSuccess });
      core.sent[0]!.answer(200, { sdp: 'answer' });
      await core.clock.run(0);
      expect(core.take().slice(3)).toEqual(['0 > ACK 1', '0 > BYE 2', '0   end by local']);
      core.last('BYE').answer(200);
      await core.clock.run(0);
      expect(core.dialogs.size).toBe(0);
    }
  });

  test('§13.2.2.4 forks: each early dialog is told apart, the first 2xx is the call, the second is acknowledged and released', async () => {
    const { core, usage } = call();
    const invite = core.sent[0]!;
    invite.answer(180, { tag: 'x', contact: '<sip:x@192.0.2.20>' });
    invite.answer(183, { tag: 'y', contact: '<sip:y@192.0.2.21>', sdp: 'early y' });
    expect(core.dialogs.size).toBe(3);
    invite.answer(200, { tag: 'y', contact: '<sip:y@192.0.2.21>', sdp: 'answer y' });
    expect(core.dialogs.size).toBe(1);
    invite.answer(200, { tag: 'x', contact: '<sip:x@192.0.2.20>', sdp: 'answer x' });
    invite.answer(200, { tag: 'x', contact: '<sip:x@192.0.2.20>', sdp: 'answer x' });
    core.last('BYE').answer(200);
    expect(core.take()).toEqual([
      '0 > INVITE 1 [offer]',
      '0 < 180 x',
      '0   provisional 180 x unreliable',
      '0 < 183 y [early y]',
      '0   provisional 183 y unreliable [early y]',
      '0 < 200 y [answer y]',
      '0   success 200 y [answer y]',
      '0 > ACK 1',
      '0 < 200 x [answer x]',
      '0 > ACK 1',
      '0 > BYE 2',
      '0 < 200 x [answer x]',
      '0 > ACK 1',
      '0 < 200',
    ]);
    expect(core.acks.map(({ ack }) => String(ack.uri))).toEqual(['sip:y@192.0.2.21', 'sip:x@192.0.2.20', 'sip:x@192.0.2.20']);
    expect(String(core.last('BYE').request.uri)).toBe('sip:x@192.0.2.20');
    expect(usage.state).toBe('confirmed');
    expect(usage.remoteTag).toBe('y');
  });

  test.each([
    [486, {}, 'remote'],
    [302, {}, 'remote'],
    [408, { local: true }, 'timeout'],
    [503, { local: true }, 'transport'],
  ])('refused with %i %o: heard, then ended by %s, and nothing is left', (status, parts, by) => {
    const { core, usage } = call();
    core.sent[0]!.answer(180);
    core.sent[0]!.answer(status, parts);
    expect(core.take().slice(-2)).toEqual([`0   failure ${status}`, `0   end by ${by} ${status}`]);
    expect(usage.state).toBe('ended');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§9.1 cancelled: 487 ends it, by us', async () => {
    const { core, usage } = call();
    core.sent[0]!.answer(180);
    const bye = usage.bye({ reason: 'SIP;cause=200;text="Call completed elsewhere"' });
    usage.cancel();
    expect(core.sent[0]!.cancelHeaders).toEqual([['Reason', 'SIP;cause=200;text="Call completed elsewhere"']]);
    core.sent[0]!.answer(183, { sdp: 'late' });
    core.sent[0]!.answer(487);
    await bye;
    expect(core.take().slice(3)).toEqual(['0 > CANCEL', '0 < 183 [late]', '0 < 487', '0   failure 487', '0   end by local 487']);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§9.1 the 2xx crosses the CANCEL: acknowledged and released, the call ends by us, the early dialog with it', () => {
    for (const early of [true, false]) {
      const { core, usage } = call();
      if (early) core.sent[0]!.answer(180);
      usage.cancel();
      core.sent[0]!.answer(200, { sdp: 'answer' });
      core.last('BYE').answer(200);
      expect(core.take().slice(early ? 3 : 1)).toEqual([
        '0 > CANCEL',
        '0 < 200 [answer]',
        '0 > ACK 1',
        '0 > BYE 2',
        '0   end by local 200',
        '0 < 200',
      ]);
      expect([usage.state, core.dialogs.size, core.clock.pending]).toEqual(['ended', 0, 0]);
    }
  });

  test('§12.2.1.1 the BYE of a released 2xx counts on from the PRACKs of its early dialog', () => {
    // Found by a random walk: with the number of the INVITE plus one the callee answered 500, and stayed in the call for ever.
    const reliable = [
      ['Require', '100rel'],
      ['RSeq', '1'],
    ] as const;
    const crossed = call();
    crossed.core.sent[0]!.answer(183, { headers: reliable });
    crossed.usage.cancel();
    crossed.core.sent[0]!.answer(200, { sdp: 'answer' });
    expect(crossed.core.last('BYE').request.cseq?.number).toBe(3);
    const forked = call();
    forked.core.sent[0]!.answer(183, { tag: 'x', headers: reliable });
    forked.core.sent[0]!.answer(200, { tag: 'y', sdp: 'answer' });
    forked.core.sent[0]!.answer(200, { tag: 'x', sdp: 'answer', contact: '<sip:x@192.0.2.30>' });
    const bye = forked.core.last('BYE').request;
    expect([bye.cseq?.number, String(bye.uri), bye.to?.tag]).toEqual([3, 'sip:x@192.0.2.30', 'x']);
  });

  test('a callee that said BYE in its early dialog, and answers all the same, is released', () => {
    const { core, usage, ids } = call();
    core.sent[0]!.answer(180);
    core.within('BYE', ids);
    expect(usage.state).toBe('early');
    core.sent[0]!.answer(200, { sdp: 'answer' });
    expect(core.take().slice(-4)).toEqual(['0 < 200 [answer]', '0 > ACK 1', '0 > BYE 2', '0   end by remote 200']);
    expect([usage.state, core.dialogs.size]).toEqual(['ended', 0]);
  });

  test('§8.1.3.4 another attempt keeps Call-ID and From tag, and counts on', () => {
    const { core, usage } = call();
    core.sent[0]!.answer(302);
    const again = new OutgoingInvite(core, { uri: 'sip:carol@example.net', from: '<sip:alice@example.com>', after: usage });
    expect([again.callId, again.localTag]).toEqual([usage.callId, usage.localTag]);
    expect(core.sent[1]!.request.cseq?.number).toBe(2);
    expect(core.sent[1]!.request.header('To')).toBe('<sip:carol@example.net>');
  });

  test('RFC 4028 §7.3 a 422 is tried once more with the interval asked for; what is no better is told', () => {
    const { core } = call({ sessionExpiresS: 120 });
    core.sent[0]!.answer(422, { headers: [['Min-SE', '600']] });
    expect(core.sent[1]!.request.header('Session-Expires')).toBe('600');
    expect(core.sent[1]!.request.header('Min-SE')).toBe('600');
    expect(core.sent[1]!.request.cseq?.number).toBe(2);
    core.sent[1]!.answer(422, { headers: [['Min-SE', '600']] });
    expect(core.take().slice(-2)).toEqual(['0   failure 422', '0   end by remote 422']);
    expect(core.dialogs.size).toBe(0);
  });

  test('§19.1.5 headers of a URI: Replaces is obeyed, what could do harm is not, and none stays in the Request-URI', () => {
    const { core } = call({ uri: 'sip:bob@example.org?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2&Route=%3Csip:evil%3E&Call-ID=z&X-Id=7' });
    const { request } = core.sent[0]!;
    expect(String(request.uri)).toBe('sip:bob@example.org');
    expect(request.header('To')).toBe('<sip:bob@example.org>');
    expect(request.replaces).toMatchObject({ callId: 'x@y', toTag: '1', fromTag: '2' });
    expect(request.require).toEqual(['replaces']);
    for (const name of ['Route', 'X-Id']) expect(request.has(name)).toBe(false);
  });

  test('§12.1.2 a 2xx without Contact or To tag still makes a call (RFC 2543 peers)', () => {
    const { core, usage } = call();
    core.sent[0]!.answer(200, { tag: null, sdp: 'answer' });
    expect(usage.state).toBe('confirmed');
    expect(core.take().slice(-2)).toEqual(['0   success 200  [answer]', '0 > ACK 1']);
  });

  test('the agent closes: unanswered is cancelled, answered is hung up, and without a way both are over', async () => {
    const early = call();
    early.core.dialogs.terminateAll('local');
    expect(early.core.take()).toEqual(['0 > INVITE 1 [offer]', '0 > CANCEL']);
    early.core.dialogs.terminateAll('transport');
    expect(early.core.take()).toEqual(['0   end by transport']);
    const up = call();
    up.core.sent[0]!.answer(200, { sdp: 'answer' });
    up.core.dialogs.terminateAll('local');
    expect(up.core.take().slice(4)).toEqual(['0 > BYE 2', '0   end by local']);
    up.core.dialogs.terminateAll('transport');
    for (const { core } of [early, up]) expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });
});

describe('reliable provisionals of the far end, RFC 3262 §4', () => {
  const reliable = (rseq: number) =>
    [
      ['Require', '100rel'],
      ['RSeq', String(rseq)],
    ] as const;

  test('acknowledged in order, once; gaps and repeats are neither acknowledged nor told', () => {
    const { core } = call();
    const invite = core.sent[0]!;
    invite.answer(180, { headers: reliable(7) });
    invite.answer(180, { headers: reliable(7) });
    invite.answer(183, { headers: reliable(9) });
    invite.answer(183, { headers: reliable(8), sdp: 'answer' });
    invite.answer(183, { headers: reliable(9) });
    expect(core.take()).toEqual([
      '0 > INVITE 1 [offer]',
      '0 < 180',
      '0   provisional 180 b reliable',
      '0 > PRACK 2',
      '0 < 180',
      '0 < 183',
      '0 < 183 [answer]',
      '0   provisional 183 b reliable [answer]',
      '0 > PRACK 3',
      '0 < 183',
      '0   provisional 183 b reliable',
      '0 > PRACK 4',
    ]);
    expect(core.sent.slice(1).map((sent) => sent.request.header('RAck'))).toEqual(['7 1 INVITE', '8 1 INVITE', '9 1 INVITE']);
  });

  test('each fork has numbers of its own', () => {
    const { core } = call();
    core.sent[0]!.answer(180, { tag: 'x', headers: reliable(7) });
    core.sent[0]!.answer(180, { tag: 'y', headers: reliable(70) });
    expect(core.sent.slice(1).map((sent) => [sent.request.to?.tag, sent.request.header('RAck')])).toEqual([
      ['x', '7 1 INVITE'],
      ['y', '70 1 INVITE'],
    ]);
  });

  test('§5 an offer in the 1xx is answered in the PRACK; the ACK then carries nothing', () => {
    const { core } = call({ body: undefined } as never, { onProvisional: () => sdp('our answer') });
    core.sent[0]!.answer(183, { headers: reliable(1), sdp: 'their offer' });
    core.last('PRACK').answer(200);
    core.sent[0]!.answer(200);
    expect(core.take().filter((line) => line.includes('>'))).toEqual(['0 > INVITE 1', '0 > PRACK 2 [our answer]', '0 > ACK 1']);
  });

  test('§5 an offer of ours in the PRACK: until its 200 answers it, theirs meet with 491', () => {
    const { core, ids } = call({}, { onProvisional: () => sdp('second offer'), onOffer: () => ({ status: 200, body: sdp('fine') }) });
    core.sent[0]!.answer(183, { headers: reliable(1), sdp: 'answer' });
    expect(core.within('UPDATE', { ...ids, cseq: 1, sdp: 'theirs' }).last?.status).toBe(491);
    core.last('PRACK').answer(200, { sdp: 'second answer' });
    expect(core.within('UPDATE', { ...ids, cseq: 2, sdp: 'theirs' }).last?.status).toBe(200);
    expect(core.take()).toContain('0   prack success b [second answer]');
  });
});

describe('within the call', () => {
  const up = (answers: Partial<InviteHandler> = {}, headers: [string, string][] = []) => {
    const made = call({}, answers);
    made.core.sent[0]!.answer(200, { sdp: 'answer', headers });
    made.core.take();
    return made;
  };

  test('§15.1.2 they hang up: 200, and the reasons they gave', () => {
    const reasons: unknown[] = [];
    const { core, ids, usage } = up();
    usage.handler = {
      onEnd: (end) =>
        reasons.push(
          end.by,
          end.reasons.map(({ protocol, cause }) => [protocol, cause]),
          end.request?.method,
        ),
    };
    core.within('BYE', { ...ids, headers: [['Reason', 'Q.850;cause=16, SIP;cause=200']] });
    expect(reasons).toEqual([
      'remote',
      [
        ['Q.850', 16],
        ['SIP', 200],
      ],
      'BYE',
    ]);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
    expect(core.within('BYE', { ...ids, cseq: 2 }).last?.status).toBe(481);
  });

  test('RFC 5407 §3.1.4 BYEs that cross are both answered; the rest of the call is gone', async () => {
    const { core, ids, usage } = up();
    const bye = usage.bye();
    expect(core.within('INFO', { ...ids, cseq: 1 }).last?.status).toBe(481);
    expect(core.within('BYE', { ...ids, cseq: 2 }).last?.status).toBe(200);
    core.last('BYE').answer(481);
    await bye;
    await core.clock.run(0);
    expect(core.dialogs.size).toBe(0);
  });

  test('a BYE that nobody answers is over all the same', async () => {
    const { core, usage } = up();
    const bye = usage.bye({ reason: ['Q.850;cause=16', 'SIP;cause=200'], headers: [['X-Why', 'x']] });
    expect(core.last('BYE').request.headers('Reason')).toEqual(['Q.850;cause=16', 'SIP;cause=200']);
    expect(core.last('BYE').request.header('X-Why')).toBe('x');
    core.last('BYE').answer(408, { local: true });
    await bye;
    await core.clock.run(0);
    expect(core.dialogs.size).toBe(0);
    await usage.bye();
  });

  test('§12.2.2 out of order is 500', () => {
    const { core, ids } = up({ onRequest: () => ({ status: 200 }) });
    expect([core.within('INFO', { ...ids, cseq: 5 }).last?.status, core.within('INFO', { ...ids, cseq: 4 }).last?.status]).toEqual([
      200, 500,
    ]);
  });

  test('OPTIONS, MESSAGE, INFO, unknown methods without a handler', () => {
    const { core, ids } = up();
    const status = (method: string, headers: [string, string][] = [], body?: string) => {
      const { last } = core.within(method, { ...ids, cseq: ++cseq, headers, ...(body === undefined ? {} : { sdp: body }) });
      return [last?.status, last?.header('Allow') !== undefined, last?.header('Recv-Info')];
    };
    let cseq = 0;
    expect(status('OPTIONS')).toEqual([200, true, undefined]);
    expect(status('MESSAGE')).toEqual([405, true, undefined]);
    expect(status('FANCY')).toEqual([405, true, undefined]);
    expect(status('INFO')).toEqual([200, false, undefined]);
    expect(status('INFO', [], 'Signal=1')).toEqual([415, false, undefined]);
    expect(status('INFO', [['Info-Package', 'dtmf']], 'x')).toEqual([469, false, '']);
    expect(status('REFER', [['Refer-To', '<sip:c@d>']])).toEqual([603, false, undefined]);
    expect(status('REFER')[0]).toBe(400);
    expect(status('NOTIFY', [['Event', 'refer']])[0]).toBe(481);
    expect(status('SUBSCRIBE', [['Event', 'refer']])[0]).toBe(403);
    expect(status('SUBSCRIBE', [['Event', 'presence']])[0]).toBe(489);
    expect(status('PRACK')[0]).toBe(481);
  });

  test('a handler that throws or rejects on a request: 500, and this call ends', async () => {
    for (const onRequest of [
      () => {
        throw new Error('boom');
      },
      () => Promise.reject(new Error('boom')),
    ]) {
      const { core, ids } = up({ onRequest });
      const info = core.within('INFO', ids);
      await core.clock.run(0);
      expect(info.last?.status).toBe(500);
      expect(core.take().slice(-2)).toEqual(['0 > BYE 2', '0   end by local']);
    }
  });

  test('INFO and other requests of ours; RFC 5057 which refusals end the call', async () => {
    const { core, usage } = up();
    const info = usage.info({ contentType: 'application/dtmf-relay', body: 'Signal=1', infoPackage: 'x' });
    expect(core.last('INFO').request.headers('Info-Package')).toEqual(['x']);
    core.last('INFO').answer(415);
    expect((await info).status).toBe(415);
    const message = usage.send('MESSAGE', { contentType: 'text/plain', body: 'hi' });
    core.last('MESSAGE').answer(481);
    expect((await message).status).toBe(481);
    expect(usage.state).toBe('confirmed');
    const gone = usage.info({});
    core.last('INFO').answer(481);
    await gone;
    expect(core.take().slice(-3)).toEqual(['0 < 481', '0 > BYE 5', '0   end by remote 481']);
    await expect(usage.info({})).rejects.toMatchObject({ code: 'ERR_CALL_ENDED' });
    await expect(usage.reinvite()).rejects.toMatchObject({ code: 'ERR_CALL_ENDED' });
  });

  test('RFC 6086 §5.2 packages we want are said in Recv-Info, and reach the handler; others are 469 before anybody sees them', () => {
    const seen: (string | undefined)[] = [];
    const { core, usage, ids } = call(
      { infoPackages: ['g.x', 'trickle-ice'] },
      {
        onRequest: (request) => {
          seen.push(request.infoPackage);
          return undefined;
        },
      },
    );
    expect(core.sent[0]!.request.headers('Recv-Info')).toEqual(['g.x', 'trickle-ice']);
    core.sent[0]!.answer(200, { sdp: 'answer', headers: [['Recv-Info', 'x-their']] });
    expect([...usage.infoPackages]).toEqual(['x-their']);
    const info = (name: string, cseq: number) => core.within('INFO', { ...ids, cseq, headers: [['Info-Package', name]] }).last;
    expect(info('trickle-ice', 1)?.status).toBe(200);
    expect([info('dtmf', 2)?.status, info('dtmf', 3)?.headers('Recv-Info')]).toEqual([469, ['g.x', 'trickle-ice']]);
    expect(seen).toEqual(['trickle-ice']);
  });

  test('before the answer: no re-INVITE, no REFER; UPDATE and INFO in the early dialog', async () => {
    const { core, usage } = call();
    await expect(usage.info({})).rejects.toMatchObject({ code: 'ERR_STATE' });
    core.sent[0]!.answer(180);
    await expect(usage.reinvite()).rejects.toMatchObject({ code: 'ERR_STATE' });
    expect(() => usage.refer({ referTo: 'sip:c@d' })).toThrow(/not been answered/);
    void usage.info({});
    void usage.update();
    await core.clock.run(0);
    expect(core.take().slice(-2)).toEqual(['0 > INFO 2', '0 > UPDATE 3']);
  });

  test('RFC 3840 what the Contact of the peer says of it', () => {
    const { core, usage } = call();
    core.sent[0]!.answer(200, { sdp: 'answer', contact: '<sip:room@192.0.2.9>;isfocus' });
    expect(usage.remoteFeatures?.has('isfocus')).toBe(true);
  });

  test('what the peer says of itself', () => {
    const { usage } = up({}, [
      ['Allow', 'INVITE, UPDATE, info'],
      ['Supported', 'timer, 100rel'],
    ]);
    expect([...usage.allows]).toEqual(['INVITE', 'UPDATE', 'INFO']);
    expect([...usage.supports]).toEqual(['timer', '100rel']);
    expect(usage.remoteAddress).toEqual({ transport: 'udp', address: '192.0.2.9', port: 5060 });
    expect(String(usage.remoteTarget)).toBe('sip:bob@192.0.2.9');
    expect([usage.local.tag, usage.remote.tag]).toEqual([usage.localTag, 'b']);
    expect(usage.replacesValue).toBe(`${usage.callId};to-tag=b;from-tag=${usage.localTag}`);
  });
});

describe('session timers in a call of ours, RFC 4028', () => {
  const timed = (allow: string, options: Partial<OutgoingInviteOptions> = {}, answers: Partial<InviteHandler> = {}) => {
    const made = call({ sessionExpiresS: 600, ...options }, answers);
    made.core.sent[0]!.answer(200, {
      sdp: 'answer',
      headers: [
        ['Session-Expires', '600;refresher=uac'],
        ['Require', 'timer'],
        ['Allow', allow],
      ],
    });
    made.core.take();
    return made;
  };

  test('§10 refreshed by UPDATE without offer where the peer allows it', async () => {
    const { core } = timed('INVITE, UPDATE');
    await core.clock.run(300_000);
    core.last('UPDATE').answer(200, { headers: [['Session-Expires', '600;refresher=uac']] });
    await core.clock.run(300_000);
    expect(core.take()).toEqual(['300000 > UPDATE 2', '300000 < 200', '600000 > UPDATE 3']);
    expect(core.last('UPDATE').request.header('Session-Expires')).toBe('600;refresher=uac');
  });

  test('§7.4 else by a re-INVITE that offers what stands, and again after an UPDATE that was not allowed after all', async () => {
    const { core } = timed('INVITE');
    await core.clock.run(300_000);
    core.last('INVITE').answer(200, { sdp: 'answer', headers: [['Session-Expires', '600;refresher=uac']] });
    await core.clock.run(0);
    expect(core.take()).toEqual(['300000 > INVITE 2 [offer]', '300000 < 200 [answer]', '300000 > ACK 2']);
    const liar = timed('INVITE, UPDATE');
    await liar.core.clock.run(300_000);
    liar.core.last('UPDATE').answer(405);
    await liar.core.clock.run(0);
    expect(liar.core.take()).toEqual(['300000 > UPDATE 2', '300000 < 405', '300000 > INVITE 3 [offer]']);
  });

  test('§10 nobody answers the refreshes: BYE before the expiration', async () => {
    const { core } = timed('INVITE, UPDATE');
    await core.clock.run(568_000);
    expect(core.take().slice(-2)).toEqual(['568000 > BYE 3', '568000   end by timeout']);
    expect(core.last('BYE').request.header('Reason')).toContain('Session expired');
  });

  test('§10 a refresh that times out, or finds no call, ends it', async () => {
    for (const [status, local, by] of [
      [408, true, 'timeout'],
      [481, false, 'remote'],
    ] as const) {
      const { core } = timed('INVITE, UPDATE');
      await core.clock.run(300_000);
      core.last('UPDATE').answer(status, { local });
      expect(core.take().slice(-2)).toEqual(['300000 > BYE 3', `300000   end by ${by} ${status}`]);
    }
  });

  test('§9 they refresh: answered without troubling anybody, and the time starts anew', async () => {
    const { core, ids } = timed('INVITE');
    await core.clock.run(200_000);
    const update = core.within('UPDATE', {
      ...ids,
      headers: [
        ['Supported', 'timer'],
        ['Session-Expires', '600;refresher=uac'],
      ],
    });
    expect([update.last?.status, update.last?.header('Session-Expires'), update.last?.require]).toEqual([
      200,
      '600;refresher=uac',
      ['timer'],
    ]);
    core.take();
    await core.clock.run(567_999);
    expect(core.take()).toEqual([]);
    await core.clock.run(1);
    expect(core.take().slice(-1)).toEqual(['768000   end by timeout']);
  });

  test('§9 a refresh that asks for too little: 422 with Min-SE', () => {
    const { core, ids } = timed('INVITE');
    const update = core.within('UPDATE', {
      ...ids,
      headers: [
        ['Supported', 'timer'],
        ['Session-Expires', '60'],
      ],
    });
    expect([update.last?.status, update.last?.header('Min-SE')]).toEqual([422, '90']);
  });
});
