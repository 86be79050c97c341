import { describe, expect, test } from 'vitest';
import type { SipBotOptions } from '../../src/bot/options.js';
import { resolveOptions } from '../../src/bot/resolve-options.js';
import { chooseWayOut, type Named, transferTarget } from '../../src/bot/routing.js';
import { OptionError } from '../../src/errors.js';
import { parseUri } from '../../src/sip/message/uri.js';

const pbx = { uri: 'sip:6001@pbx.example.com' };
const other = { uri: 'sip:bot@192.0.2.7:5070' };
const twilio = { name: 'twilio', hosts: ['example.pstn.twilio.com'], sources: ['twilio'] };
const carrier = {
  name: 'carrier',
  hosts: ['192.0.2.1', 'sip:sbc.example.net:5061'],
  transport: 'tls',
  numbers: (dialled: string) => `00${dialled.slice(1)}`,
} as const;

function way(target: string, options: SipBotOptions, named: Named = {}): string {
  const { uris, account, trunk } = chooseWayOut(target, named, resolveOptions(options));
  return `${uris.join(' then ')} by ${trunk?.name ?? account?.uri ?? 'itself'}`;
}

describe('the way out', () => {
  test.each([
    [
      'a number goes to the first trunk',
      '+15550100',
      { ...pbx, trunks: [twilio, carrier] },
      'sip:+15550100@example.pstn.twilio.com by twilio',
    ],
    ['without trunks to the first account', '600', { ...pbx, accounts: [other] }, 'sip:600@pbx.example.com by sip:6001@pbx.example.com'],
    ['tel: is a number', 'tel:+1-555-0100;phone-context=x', { ...pbx }, 'sip:+15550100@pbx.example.com by sip:6001@pbx.example.com'],
    [
      'what people write between digits is left out',
      '+1 (555) 01-00',
      { ...pbx },
      'sip:+15550100@pbx.example.com by sip:6001@pbx.example.com',
    ],
    ['star and hash are dialled', '*97#', { ...pbx }, 'sip:*97%23@pbx.example.com by sip:6001@pbx.example.com'],
    [
      'a SIP URI of an account’s domain goes through it',
      'sip:600@192.0.2.7:5070',
      { ...pbx, accounts: [other], trunks: [twilio] },
      'sip:600@192.0.2.7:5070 by sip:bot@192.0.2.7:5070',
    ],
    ['domains are compared without case', 'sip:600@PBX.Example.com', { ...pbx }, 'sip:600@PBX.Example.com by sip:6001@pbx.example.com'],
    ['a SIP URI of another domain goes there by itself', 'sip:x@far.example', { ...pbx, trunks: [twilio] }, 'sip:x@far.example by itself'],
    [
      'the same host on another port is another domain',
      'sip:600@192.0.2.7:5080',
      { accounts: [other] },
      'sip:600@192.0.2.7:5080 by itself',
    ],
  ])('%s', (_rule, target, options, expected) => {
    expect(way(target, options)).toBe(expected);
  });

  test('a trunk named: its hosts in order, its transport, the number as it wants it', () => {
    expect(way('+4930123', { trunks: [twilio, carrier] }, { trunk: 'carrier' })).toBe(
      'sip:004930123@192.0.2.1;transport=tls then sip:004930123@sbc.example.net:5061;transport=tls by carrier',
    );
  });

  test('an account named by its URI or its user', () => {
    expect(way('600', { ...pbx, accounts: [other] }, { account: 'bot' })).toBe('sip:600@192.0.2.7:5070 by sip:bot@192.0.2.7:5070');
    expect(way('600', { ...pbx, accounts: [other] }, { account: 'sip:6001@pbx.example.com' })).toContain('by sip:6001@pbx.example.com');
  });

  test.each([
    ['no such trunk', '1', { trunks: [twilio] }, { trunk: 'nope' }, /trunk: 'nope' is not there; there are trunk 'twilio'/],
    [
      'no such account',
      '1',
      { ...pbx },
      { account: 'nope' },
      /account: 'nope' is not there; there are account 'sip:6001@pbx\.example\.com'/,
    ],
    ['both named', '1', { ...pbx, trunks: [twilio] }, { account: '6001', trunk: 'twilio' }, /trunk: name a trunk or an account/],
    ['a number and nobody to take it', '600', {}, {}, /target: a number needs a trunk or an account.*there are none/],
    ['no target at all', 'hello world', { ...pbx }, {}, /target: must be/],
    ['a SIP URI without a host', 'sip:600', { ...pbx }, {}, /target|host/],
  ])('%s is an OptionError that lists what is there', (_rule, target, options, named, message) => {
    const isHostOnly = target === 'sip:600';
    if (isHostOnly) expect(way(target, options, named)).toBe('sip:600 by itself');
    else expect(() => way(target, options, named)).toThrow(message);
  });
});

describe('where a transfer sends the far end', () => {
  const theirs = parseUri('sip:alice@pbx.example.com:5070;user=phone')!;
  test.each([
    ['sip:bob@far.example;transport=tcp', 'sip:bob@far.example;transport=tcp'],
    ['sip:bob@far.example?Replaces=a', 'sip:bob@far.example?Replaces=a'],
    [' tel:+15550100 ', 'tel:+15550100'],
    ['601', 'sip:601@pbx.example.com:5070'],
    ['+1 (555) 01-00', 'sip:+15550100@pbx.example.com:5070'],
  ])('%s: %s', (target, expected) => {
    expect(transferTarget(target, theirs)).toBe(expected);
  });

  test.each(['', 'no uri', 'sip:', 'sip:bob@far.example>\r\nX-Admin: yes', 'http://far.example', 'tel:x'])('not %j', (target) => {
    expect(() => transferTarget(target, theirs)).toThrow(OptionError);
  });
});
