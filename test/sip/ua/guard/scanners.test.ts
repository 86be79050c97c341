import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../../../../src/sip/message/message.js';
import { parse } from '../../../../src/sip/message/parse.js';
import { isScanner } from '../../../../src/sip/ua/guard/scanners.js';

const request = (change: { agent?: string; from?: string; to?: string; uri?: string } = {}): SipRequest => {
  const { agent, from = '"Alice" <sip:alice@192.0.2.1>;tag=1', to = '<sip:100@192.0.2.2>', uri = 'sip:100@192.0.2.2' } = change;
  const lines = [
    `OPTIONS ${uri} SIP/2.0`,
    'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport',
    `From: ${from}`,
    `To: ${to}`,
    'Call-ID: 1',
    'CSeq: 1 OPTIONS',
    ...(agent === undefined ? [] : [`User-Agent: ${agent}`]),
  ];
  return parse(new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`)) as SipRequest;
};

describe('scanners', () => {
  test.each([
    'friendly-scanner',
    'sipvicious',
    'SIPVicious',
    'sipcli/v1.8',
    'sip-scan',
    'sundayddr',
    'VaxSIPUserAgent/3.1',
    'iWar',
    'pplsip',
  ])('%s, as it calls itself', (agent) => expect(isScanner(request({ agent }))).toBe(true));

  test('by what they write into From where they hide their name', () => {
    expect(isScanner(request({ from: '"sipvicious"<sip:100@1.1.1.1>;tag=2', agent: 'Cisco' }))).toBe(true);
  });

  test('addresses longer than any can be', () => {
    expect(isScanner(request({ uri: `sip:${'9'.repeat(300)}@x` }))).toBe(true);
    expect(isScanner(request({ to: `<sip:${'9'.repeat(1100)}@x>` }))).toBe(true);
  });

  test.each([
    undefined,
    'Asterisk PBX 22.8.2',
    'baresip v1.0.0 (x86_64/linux)',
    'FPBX-16.0.40(18.9)',
    'Twilio Gateway',
    'snomD785/10.1.159.12',
    'Grandstream GXP2170 1.0.11.64',
    'Yealink SIP-T46S 66.86.0.15',
    'kamailio (5.6.3 (x86_64/linux))',
    'FreeSWITCH-mod_sofia/1.10.9',
    'SIPp',
    'sipsak 0.9.8.1',
    'sipbot',
    'eyeBeam release 1102u stamp 52345',
    'PolycomVVX-VVX_411-UA/6.4.3',
    'Siphon iOS',
    'Linphone/5.0 (belle-sip/5.1)',
  ])('%s is none', (agent) => expect(isScanner(request(agent === undefined ? {} : { agent }))).toBe(false));
});
