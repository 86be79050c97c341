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
      ['Max-Forwards', '70'],
      ['From', `<sip:alice@example.com>;tag=${usage.localTag}`],
      ['To', '<sip:bob@example.org>'],
      ['Call-ID', usage.callId],
      ['CSeq', '1 INVITE'],
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
});
