import { describe, expect, test } from 'vitest';
import { receiveInvite } from '../../../src/sip/ua/invite-incoming.js';
import { OutgoingInvite } from '../../../src/sip/ua/invite-outgoing.js';
import type { InviteHandler, RequestReply } from '../../../src/sip/ua/invite-usage.js';
import { ScriptedCore, sdp } from './scripted-core.js';

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? '' : new TextDecoder().decode(bytes));

/** A call that is up; `owner` says who placed it, and so whose the Call-ID is. */
function up(owner: 'local' | 'remote', handler: InviteHandler = {}) {
  const core = new ScriptedCore();
  if (owner === 'local') {
    const usage = new OutgoingInvite(core, {
      uri: 'sip:b@example.org',
      from: '<sip:a@example.com>',
      body: sdp('offer'),
      sessionExpiresS: 0,
      handler,
    });
    core.sent[0]!.answer(200, { sdp: 'answer' });
    core.take();
    return { core, usage, ids: { callId: usage.callId, toTag: usage.localTag } };
  }
  const usage = receiveInvite(core, core.receive('INVITE', { sdp: 'offer' }), { sessionExpiresS: 0 })!;
  usage.handler = handler;
  void usage.accept({ body: sdp('answer') });
  core.within('ACK', { toTag: 'a' });
  core.take();
  return { core, usage, ids: { toTag: 'a' } };
}

describe('changes of ours, RFC 3261 §14.1, RFC 3311 §5.1', () => {
  test('a re-INVITE with an offer: acknowledged at once; its 2xx again, the ACK again', async () => {
    const { core, usage } = up('local');
    const changed = usage.reinvite({ body: sdp('hold'), headers: [['X-H', '1']] });
    await core.clock.run(0);
    const invite = core.last('INVITE');
    expect(invite.request.header('X-H')).toBe('1');
    invite.answer(180);
    invite.answer(200, { sdp: 'held', contact: '<sip:bob@192.0.2.10>' });
    invite.answer(200, { sdp: 'held' });
    const outcome = await changed;
    outcome.ack(sdp('ignored'));
    expect([outcome.response.status, text(outcome.body?.bytes)]).toEqual([200, 'held']);
    expect(core.take()).toEqual(['0 > INVITE 2 [hold]', '0 < 180', '0 < 200 [held]', '0 > ACK 2', '0 < 200 [held]', '0 > ACK 2']);
    expect(String(usage.remoteTarget)).toBe('sip:bob@192.0.2.10');
  });

  test('a re-INVITE without offer: the 2xx brings one, the ACK the answer; until then theirs are refused', async () => {
    const { core, usage, ids } = up('local');
    const changed = usage.reinvite();
    await core.clock.run(0);
    core.last('INVITE').answer(200, { sdp: 'their offer' });
    const outcome = await changed;
    expect(core.within('UPDATE', { ...ids, sdp: 'x' }).last?.status).toBe(500);
    expect(core.within('INVITE', { ...ids, cseq: 2, sdp: 'x' }).last?.status).toBe(491);
    outcome.ack(sdp('our answer'));
    outcome.ack(sdp('again'));
    expect(core.take().filter((line) => line.includes('ACK'))).toEqual(['0 > ACK 2 [our answer]']);
  });

  test('§15 hung up while such an answer is owed: ACK, then BYE', async () => {
    const { core, usage } = up('local');
    const changed = usage.reinvite();
    await core.clock.run(0);
    core.last('INVITE').answer(200, { sdp: 'their offer' });
    await changed;
    void usage.bye();
    expect(core.take().slice(-2)).toEqual(['0 > ACK 2', '0 > BYE 3']);
  });

  test.each([
    ['local', 3050],
    ['remote', 1000],
  ] as const)('§14.1 glare: the %s owner of the Call-ID tries again after %i ms, with the offer as it is then', async (owner, delay) => {
    const { core, usage } = up(owner);
    let asked = 0;
    const changed = usage.reinvite({ body: () => sdp(`offer ${++asked}`) });
    await core.clock.run(0);
    core.last('INVITE').answer(491);
    await core.clock.run(delay - 1);
    expect(asked).toBe(1);
    await core.clock.run(1);
    core.last('INVITE').answer(200, { sdp: 'ok' });
    expect((await changed).response.status).toBe(200);
    expect(
      core
        .take()
        .filter((line) => line.includes('INVITE'))
        .map((line) => line.replace(/ \d+ \[/, ' [')),
    ).toEqual(['0 > INVITE [offer 1]', `${delay} > INVITE [offer 2]`]);
  });

  test('§14.2 overlap: 500 with Retry-After is tried again then, any other 500 is told', async () => {
    const { core, usage } = up('local');
    const changed = usage.update({ body: sdp('x') });
    await core.clock.run(0);
    core.last('UPDATE').answer(500, { headers: [['Retry-After', '7']] });
    await core.clock.run(7000);
    core.last('UPDATE').answer(500);
    expect((await changed).status).toBe(500);
    expect(core.take().filter((line) => line.includes('>'))).toEqual(['0 > UPDATE 2 [x]', '7000 > UPDATE 3 [x]']);
  });

  test('491 without end is told after five attempts', async () => {
    const { core, usage } = up('remote');
    const changed = usage.reinvite({ body: sdp('x') });
    for (let i = 0; i < 5; i++) {
      await core.clock.run(1000);
      core.last('INVITE').answer(491);
    }
    expect((await changed).response.status).toBe(491);
    expect(usage.state).toBe('confirmed');
  });

  test('§14.1 one at a time: the second waits for the first', async () => {
    const { core, usage } = up('local');
    void usage.reinvite({ body: sdp('one') });
    void usage.reinvite({ body: sdp('two') });
    void usage.update({ body: sdp('three') });
    await core.clock.run(100);
    core.last('INVITE').answer(488);
    await core.clock.run(100);
    core.last('INVITE').answer(200, { sdp: 'ok' });
    await core.clock.run(100);
    core.last('UPDATE').answer(200, { sdp: 'ok' });
    expect(core.take().filter((line) => line.includes('>'))).toEqual([
      '0 > INVITE 2 [one]',
      '100 > INVITE 3 [two]',
      '200 > ACK 3',
      '200 > UPDATE 4 [three]',
    ]);
  });

  test('§14.1 ours waits while theirs is being answered, and for its ACK', async () => {
    let answer!: (reply: RequestReply) => void;
    const { core, usage, ids } = up('local', { onOffer: () => new Promise((resolve) => (answer = resolve)) });
    core.within('INVITE', { ...ids, sdp: 'theirs' });
    void usage.reinvite({ body: sdp('ours') });
    await core.clock.run(10);
    answer({ status: 200, body: sdp('fine') });
    await core.clock.run(10);
    core.within('ACK', ids);
    await core.clock.run(0);
    expect(core.take()).toEqual(['0 < INVITE 1 [theirs]', '10 > 200 to INVITE [fine]', '20 < ACK 1', '20 > INVITE 2 [ours]']);
  });

  test('refused: told, and the session stays; RFC 5057: unless it says that there is no call', async () => {
    const { core, usage } = up('local');
    for (const [status, state] of [
      [488, 'confirmed'],
      [403, 'confirmed'],
      [481, 'ended'],
    ] as const) {
      const changed = usage.reinvite({ body: sdp('x') });
      await core.clock.run(0);
      core.last('INVITE').answer(status);
      expect((await changed).response.status).toBe(status);
      expect(usage.state).toBe(state);
    }
    expect(core.take().at(-1)).toContain('> BYE');
  });

  test('the call ends while a change waits for its turn, for glare, or for a retry: it rejects or is told, and no timer is left', async () => {
    for (const way of ['turn', 'glare', 'retry'] as const) {
      const { core, usage } = up('local');
      const first = usage.reinvite({ body: sdp('one') });
      const second = usage.update({ body: sdp('two') });
      second.catch(() => {});
      first.catch(() => {});
      await core.clock.run(0);
      if (way === 'glare') core.last('INVITE').answer(491);
      if (way === 'retry') core.last('INVITE').answer(500, { headers: [['Retry-After', '5']] });
      await core.clock.run(0);
      void usage.bye();
      if (way !== 'retry') await expect(second).rejects.toMatchObject({ code: 'ERR_CALL_ENDED' });
      core.last('BYE').answer(200);
      await core.clock.run(0);
      expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
    }
  });
});

describe('changes of theirs, RFC 3261 §14.2, RFC 3311 §5.2', () => {
  const takes: InviteHandler = {
    onOffer: (_request, body) => ({ status: 200, ...(body && { body: sdp(`answer to ${text(body.bytes)}`) }) }),
  };

  test('a re-INVITE: the answer, until its ACK; the target moves with the 2xx', async () => {
    const acks: string[] = [];
    const { core, usage, ids } = up('local', { ...takes, onReinviteAck: (_ack, body) => acks.push(text(body?.bytes)) });
    const reinvite = core.within('INVITE', { ...ids, sdp: 'hold', contact: '<sip:bob@192.0.2.77>' });
    await core.clock.run(600);
    core.within('ACK', ids);
    await core.clock.run(60_000);
    expect(core.take()).toEqual([
      '0 < INVITE 1 [hold]',
      '0 > 200 to INVITE [answer to hold]',
      '500 > 200 to INVITE [answer to hold]',
      '600 < ACK 1',
    ]);
    expect(reinvite.last?.header('Contact')).toBe('<sip:alice@192.0.2.1:5060>');
    expect(String(usage.remoteTarget)).toBe('sip:bob@192.0.2.77');
    expect(acks).toEqual(['']);
  });

  test('without offer: ours in the 2xx, theirs in the ACK', () => {
    const acks: string[] = [];
    const { core, ids } = up('local', {
      onOffer: () => ({ status: 200, body: sdp('our offer') }),
      onReinviteAck: (_ack, body) => acks.push(text(body?.bytes)),
    });
    core.within('INVITE', ids);
    core.within('ACK', { ...ids, sdp: 'their answer' });
    expect(acks).toEqual(['their answer']);
    expect(core.within('INVITE', { ...ids, cseq: 2 }).last?.status).toBe(200);
  });

  test('§14.2 never acknowledged: BYE', async () => {
    const { core, usage, ids } = up('local', takes);
    core.within('INVITE', { ...ids, sdp: 'x' });
    await core.clock.run(32_000);
    expect(core.take().at(-1)).toBe('32000 > BYE 2');
    expect(usage.state).toBe('ended');
  });

  test('refused: the session and the target stay as they were', () => {
    const { core, usage, ids } = up('local', { onOffer: () => ({ status: 488, headers: [['Warning', '304 x "no"']] }) });
    const reinvite = core.within('INVITE', { ...ids, sdp: 'x', contact: '<sip:bob@192.0.2.77>' });
    expect([reinvite.last?.status, reinvite.last?.has('Warning')]).toEqual([488, true]);
    expect(String(usage.remoteTarget)).toBe('sip:bob@192.0.2.9');
  });

  test('no handler: offers are refused with 488, a bare UPDATE is taken', () => {
    const { core, ids } = up('local');
    expect(core.within('INVITE', { ...ids, sdp: 'x' }).last?.status).toBe(488);
    expect(core.within('UPDATE', { ...ids, cseq: 2, sdp: 'x' }).last?.status).toBe(488);
    expect(core.within('UPDATE', { ...ids, cseq: 3 }).last?.status).toBe(200);
  });

  test('§9.2 cancelled while it is considered: 487, the session goes on, the late answer is dropped', async () => {
    let answer!: (reply: RequestReply) => void;
    const { core, usage, ids } = up('local', { onOffer: () => new Promise((resolve) => (answer = resolve)) });
    const reinvite = core.within('INVITE', { ...ids, sdp: 'x' });
    reinvite.cancel();
    answer({ status: 200, body: sdp('late') });
    await core.clock.run(60_000);
    expect(core.take()).toEqual(['0 < INVITE 1 [x]', '0 < CANCEL', '0 > 487 to INVITE']);
    expect(usage.state).toBe('confirmed');
  });

  test('§15.1.2 hung up while one is considered: 487 to it', async () => {
    let answer!: (reply: RequestReply) => void;
    const { core, usage, ids } = up('local', { onOffer: () => new Promise((resolve) => (answer = resolve)) });
    core.within('INVITE', { ...ids, sdp: 'x' });
    void usage.bye();
    answer({ status: 200, body: sdp('late') });
    core.last('BYE').answer(200);
    await core.clock.run(60_000);
    expect(core.take()).toEqual(['0 < INVITE 1 [x]', '0 > 487 to INVITE', '0 > BYE 2', '0 < 200']);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§14.2 overlapping: the second while the first is considered gets 500 with Retry-After; ours under way 491', async () => {
    const { core, usage, ids } = up('local', { onOffer: () => new Promise(() => {}) });
    core.within('INVITE', { ...ids, sdp: 'one' });
    const second = core.within('INVITE', { ...ids, cseq: 2, sdp: 'two' });
    expect([second.last?.status, second.last?.header('Retry-After')]).toEqual([500, '5']);
    const other = up('local', takes);
    void other.usage.reinvite({ body: sdp('x') });
    await other.core.clock.run(0);
    expect(other.core.within('INVITE', { ...other.ids, sdp: 'two' }).last?.status).toBe(491);
    expect(usage.state).toBe('confirmed');
  });

  test('a handler that throws or rejects: 500, and the call ends', async () => {
    for (const onOffer of [
      () => {
        throw new Error('boom');
      },
      () => Promise.reject(new Error('boom')),
    ]) {
      const { core, ids } = up('local', { onOffer });
      const reinvite = core.within('INVITE', { ...ids, sdp: 'x' });
      await core.clock.run(0);
      expect(reinvite.responses.map(({ status }) => status)).toEqual([500]);
      expect(core.take().at(-1)).toBe('0 > BYE 2');
    }
  });
});
