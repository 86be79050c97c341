import { describe, expect, test } from 'vitest';
import { Dialog } from '../../../src/sip/dialog/dialog.js';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { SipRequest } from '../../../src/sip/message/message.js';
import { request, response } from './transcript.js';

const contact: HeaderEntry = ['Contact', '<sip:bob@192.0.2.9:5070;transport=tcp>;+sip.instance="<urn:x>";isfocus'];
const routes: HeaderEntry = ['Record-Route', '<sip:p2.example.org;lr>, <sip:p1.example.com;lr>'];

const uac = (headers: readonly HeaderEntry[] = [contact], status = 200) => Dialog.ofResponse(request('INVITE'), response(status, headers))!;
const uas = (headers: readonly HeaderEntry[] = [['Contact', '<sip:alice@192.0.2.1>']]) =>
  Dialog.ofRequest(request('INVITE', headers, '', 7), 'ours', 'early')!;
const head = (made: SipRequest) => [made.startLine, ...made.entries.map(([name, value]) => `${name}: ${value}`)];

describe('how a dialog begins, RFC 3261 §12.1', () => {
  test('§12.1.2 at the client: tags, URIs, numbers, the route set reversed, the target from Contact', () => {
    const dialog = uac([contact, routes]);
    expect(dialog).toMatchObject({
      callId: 'call',
      localTag: 'a',
      remoteTag: 'b',
      local: '<sip:alice@example.com>;tag=a',
      remote: '<sip:bob@example.org>;tag=b',
      localSequence: 1,
      remoteSequence: undefined,
      state: 'confirmed',
      owner: 'local',
      secure: false,
      routeSet: ['<sip:p1.example.com;lr>', '<sip:p2.example.org;lr>'],
    });
    expect(String(dialog.remoteTarget)).toBe('sip:bob@192.0.2.9:5070;transport=tcp');
    expect(dialog.remoteFeatures?.has('isfocus')).toBe(true);
  });

  test('§12.1.1 at the server: the route set in order, our tag added to To, no number of ours yet', () => {
    const dialog = uas([routes, ['Contact', '<sip:alice@192.0.2.1>']]);
    expect(dialog).toMatchObject({
      localTag: 'ours',
      remoteTag: 'a',
      local: '<sip:bob@example.org>;tag=ours',
      remote: '<sip:alice@example.com>;tag=a',
      localSequence: 0,
      remoteSequence: 7,
      state: 'early',
      owner: 'remote',
      routeSet: ['<sip:p2.example.org;lr>', '<sip:p1.example.com;lr>'],
    });
  });

  test('§12.1.1 a peer of RFC 2543 without tags makes a dialog with an empty one', () => {
    const old = new SipRequest('INVITE', 'sip:bob@example.org', [
      ['From', 'sip:alice@example.com'],
      ['To', 'sip:bob@example.org'],
      ['Call-ID', 'call'],
      ['CSeq', '1 INVITE'],
    ]);
    const dialog = Dialog.ofRequest(old, 'ours', 'early')!;
    expect(dialog.remoteTag).toBe('');
    expect(dialog.local).toBe('sip:bob@example.org;tag=ours');
    // Nor a Contact that can be read: the From URI is the best there is.
    expect(String(dialog.remoteTarget)).toBe('sip:alice@example.com');
    expect(Dialog.ofResponse(request('INVITE'), response(200, [], null))?.remoteTag).toBe('');
  });

  test('a message that lacks what a dialog is known by makes none', () => {
    const untagged = new SipRequest('INVITE', 'sip:bob@example.org', [
      ['From', '<sip:a@b>'],
      ['To', '<sip:c@d>'],
      ['Call-ID', 'x'],
      ['CSeq', '1 INVITE'],
    ]);
    expect(Dialog.ofResponse(untagged, response(200))).toBeUndefined();
    expect(Dialog.ofRequest(new SipRequest('INVITE', 'sip:x@y'), 'ours', 'early')).toBeUndefined();
  });

  test('§12.1.1 sips in the Request-URI makes the dialog secure', () => {
    expect(Dialog.ofRequest(request('INVITE').withUri('sips:bob@example.org'), 't', 'early')?.secure).toBe(true);
  });

  test('RFC 6665 §4.4.1 a NOTIFY makes the dialog of its SUBSCRIBE', () => {
    const notify = new SipRequest('NOTIFY', 'sip:alice@192.0.2.1', [
      ['From', '<sip:bob@example.org>;tag=n'],
      ['To', '<sip:alice@example.com>;tag=a'],
      ['Call-ID', 'call'],
      ['CSeq', '31 NOTIFY'],
      ['Contact', '<sip:watcher@192.0.2.8>'],
      ['Record-Route', '<sip:p1.example.com;lr>'],
    ]);
    const dialog = Dialog.ofNotify(request('SUBSCRIBE', [], '', 4), notify)!;
    expect(dialog).toMatchObject({ remoteTag: 'n', remoteSequence: 31, localSequence: 4, routeSet: ['<sip:p1.example.com;lr>'] });
    expect(String(dialog.remoteTarget)).toBe('sip:watcher@192.0.2.8');
  });
});

describe('requests within a dialog, RFC 3261 §12.2', () => {
  test('§12.2.1.1 without routes: the target in the Request-URI, the next number, tags on both sides', () => {
    expect(head(uac().request('BYE', [['Reason', 'SIP;cause=200']]))).toEqual([
      'BYE sip:bob@192.0.2.9:5070;transport=tcp SIP/2.0',
      'Max-Forwards: 70',
      'From: <sip:alice@example.com>;tag=a',
      'To: <sip:bob@example.org>;tag=b',
      'Call-ID: call',
      'CSeq: 2 BYE',
      'Reason: SIP;cause=200',
    ]);
  });

  test('§12.2.1.1 a loose first router: the route set in Route, the target stays in the Request-URI', () => {
    const dialog = uac([contact, routes]);
    const made = dialog.request('BYE');
    expect(String(made.uri)).toBe('sip:bob@192.0.2.9:5070;transport=tcp');
    expect(made.headers('Route')).toEqual(['<sip:p1.example.com;lr>', '<sip:p2.example.org;lr>']);
    expect(String(dialog.nextHop)).toBe('sip:p1.example.com;lr');
  });

  test('§12.2.1.1 a strict first router takes the Request-URI, and the target goes to the end of Route', () => {
    const dialog = uac([contact, ['Record-Route', '<sip:p2.example.org>, <sip:p1.example.com;method=INVITE?Subject=x>']]);
    const made = dialog.request('BYE');
    expect(String(made.uri)).toBe('sip:p1.example.com');
    expect(made.headers('Route')).toEqual(['<sip:p2.example.org>', '<sip:bob@192.0.2.9:5070;transport=tcp>']);
    expect(dialog.nextHop.host).toBe('p1.example.com');
  });

  test('§19.1.1 what may not stand in a Request-URI is taken out of a Contact', () => {
    const dialog = uac([['Contact', '<sip:bob@192.0.2.9;method=INVITE;x=1?Route=evil>']]);
    expect(String(dialog.request('BYE').uri)).toBe('sip:bob@192.0.2.9;x=1');
  });

  test('§12.2.1.1 numbers of ours grow by one, at the server from 1', () => {
    const dialog = uas();
    expect([dialog.request('INFO'), dialog.request('INFO')].map((made) => made.cseq?.number)).toEqual([1, 2]);
  });

  test('§13.2.2.4 the ACK of a 2xx bears number and credentials of the INVITE, and the way of the dialog', () => {
    const invite = request(
      'INVITE',
      [
        ['Proxy-Authorization', 'Digest username="alice"'],
        ['Authorization', 'Digest username="al"'],
      ],
      '',
      5,
    );
    const dialog = Dialog.ofResponse(invite, response(200, [contact, routes], 'b', '', '5 INVITE'))!;
    const ack = dialog.ack(invite);
    expect(ack.cseq).toEqual({ number: 5, method: 'ACK' });
    expect(ack.headers('Authorization')).toEqual(['Digest username="al"']);
    expect(ack.headers('Proxy-Authorization')).toEqual(['Digest username="alice"']);
    expect(ack.headers('Route')).toHaveLength(2);
    expect(dialog.localSequence).toBe(5);
  });

  test('§12.2.2 numbers of theirs: higher, with or without gaps, is in order; lower is not', () => {
    const dialog = uas();
    const verdicts = [8, 20, 20, 19, 7, 2147483647, 1].map((number) => dialog.takes(request('INFO', [], '', number)));
    expect(verdicts).toEqual(['in-order', 'in-order', 'in-order', 'out-of-order', 'out-of-order', 'in-order', 'out-of-order']);
    expect(dialog.remoteSequence).toBe(2147483647);
  });

  test('§12.2.2 a client that has heard no request yet takes any number', () => {
    expect(uac().takes(request('BYE', [], '', 900))).toBe('in-order');
  });

  test('§12.2.1.2, §12.2.2 target refresh: the Contact is the new target; without one nothing changes; routes never change', () => {
    const dialog = uac([contact, routes]);
    dialog.refreshTarget(
      request('UPDATE', [
        ['Contact', '<sip:bob@198.51.100.7>'],
        ['Record-Route', '<sip:evil;lr>'],
      ]),
    );
    expect(String(dialog.remoteTarget)).toBe('sip:bob@198.51.100.7');
    dialog.refreshTarget(response(200));
    expect(String(dialog.remoteTarget)).toBe('sip:bob@198.51.100.7');
    expect(dialog.routeSet).toHaveLength(2);
  });

  test('§13.2.2.4 the 2xx confirms an early dialog and decides its route set anew', () => {
    const dialog = uac([contact, ['Record-Route', '<sip:old.example.com;lr>']], 180);
    expect(dialog.state).toBe('early');
    dialog.confirm(
      response(200, [
        ['Contact', '<sip:bob@192.0.2.10>'],
        ['Record-Route', '<sip:new.example.com;lr>'],
      ]),
    );
    expect(dialog.state).toBe('confirmed');
    expect(dialog.routeSet).toEqual(['<sip:new.example.com;lr>']);
    expect(dialog.nextHop.host).toBe('new.example.com');
    dialog.confirm(response(200, [['Record-Route', '<sip:third.example.com;lr>']]));
    expect(dialog.nextHop.host).toBe('new.example.com');
    dialog.terminate();
    expect(dialog.state).toBe('terminated');
  });
});
