import { expect, test } from 'vitest';
import { clientKey, isUniqueBranch, mergeKey, serverKey } from '../../../src/sip/transaction/key.js';
import { request, response } from './transcript.js';

test('§17.2.3 an ACK has the key of its INVITE, a CANCEL its own and, asked for, that of what it cancels', () => {
  expect(serverKey(request('ACK'))).toBe(serverKey(request('INVITE')));
  expect(serverKey(request('CANCEL'))).not.toBe(serverKey(request('INVITE')));
  expect(serverKey(request('CANCEL'), 'INVITE')).toBe(serverKey(request('INVITE')));
});

test('§17.1.3 a response has the key of its request; without a branch of our making it has none', () => {
  expect(clientKey(response(request('INVITE'), 180))).toBe(clientKey(request('INVITE')));
  expect(clientKey(response(request('INVITE'), 180))).not.toBe(clientKey(response(request('CANCEL'), 200)));
  expect(clientKey(request('INVITE').set('Via', 'SIP/2.0/UDP a;branch=1'))).toBeUndefined();
  expect(clientKey(request('INVITE').remove('Via'))).toBeUndefined();
});

test('§8.1.1.7 the cookie alone is not unique', () => {
  expect(['z9hG4bK', 'z9hG4bKx', 'x', '', undefined].map(isUniqueBranch)).toEqual([false, true, false, false, false]);
});

test('§8.2.2.2 copies that came another way have one key; a request within a dialog has none', () => {
  const other = request('INVITE').set('Via', 'SIP/2.0/UDP p.example;branch=z9hG4bKother').set('Max-Forwards', '69');
  expect(mergeKey(other)).toBe(mergeKey(request('INVITE')));
  expect(mergeKey(request('OPTIONS'))).not.toBe(mergeKey(request('INVITE')));
  expect(mergeKey(request('INVITE').set('To', '<sip:bob@biloxi.example>;tag=1'))).toBeUndefined();
});
