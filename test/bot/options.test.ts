/** The door: every default as it was promised, and every wrong option refused by its path before anything listens. */
import { describe, expect, test } from 'vitest';
import type { SipBotOptions } from '../../src/bot/options.js';
import { resolveOptions } from '../../src/bot/resolve-options.js';
import { SipBot } from '../../src/bot/sip-bot.js';
import { OptionError } from '../../src/errors.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { MemoryNetwork } from '../../src/testing/memory-network.js';

const trunk = { name: 't', hosts: ['192.0.2.1'] };

describe('defaults', () => {
  test('of everything', () => {
    const { allow, deny, localNetworks, blockCallers, blockNumbers, ...plain } = resolveOptions({});
    expect([blockCallers.isEmpty, blockNumbers.isEmpty]).toEqual([true, true]);
    expect(plain).toEqual({
      accounts: [],
      trunks: [],
      listen: [{ transport: 'udp', port: 0 }],
      tls: undefined,
      publicAddress: undefined,
      stunServer: undefined,
      rtpPorts: [10_000, 20_000],
      rtpHost: '0.0.0.0',
      codecs: undefined,
      codecOrder: 'theirs',
      audio: { sampleRate: 16_000, frameMs: 20 },
      srtp: 'accept',
      threads: undefined,
      maxCalls: Number.POSITIVE_INFINITY,
      maxCallsPerSource: Number.POSITIVE_INFINITY,
      maxCallsPerAccount: Number.POSITIVE_INFINITY,
      guard: { requestsPerS: 20, authFailures: 10, unreadable: 20, banS: 600, maxSources: 16_384 },
      transferTargets: undefined,
      overload: { status: 503 },
      users: undefined,
      isOpenToLoopback: true,
      ringTimeoutMs: 180_000,
      maxCallMs: 0,
      mediaTimeoutMs: 60_000,
      sessionExpiresS: 1800,
      speech: {},
      userAgent: 'sipbot',
    });
    expect([allow.has('192.0.2.1'), deny.has('192.0.2.1')]).toEqual([false, false]);
    for (const network of ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']) expect(localNetworks).toContain(network);
  });

  test('of an account: registers with a password, and only then; flat fields are the first account', () => {
    const { accounts } = resolveOptions({
      uri: 'sip:6001@pbx.example.com',
      password: 'x',
      accounts: [{ uri: 'sip:6002@PBX.example.com' }],
    });
    expect(accounts).toMatchObject([
      { user: '6001', domain: 'pbx.example.com', register: true, voicemail: false, expiresS: 3600 },
      { user: '6002', domain: 'pbx.example.com', register: false },
    ]);
  });

  test('of a trunk; with trunks the bot listens on 5060', () => {
    const { trunks, listen } = resolveOptions({ trunks: [trunk] });
    expect(trunks).toMatchObject([{ identity: 'from', privacy: false, transport: 'udp', optionsPingS: 0 }]);
    expect(trunks[0]!.sourceNetworks.has('192.0.2.1')).toBe(true);
    expect(listen).toEqual([{ transport: 'udp', port: 5060 }]);
  });

  test('a clock or a network of the application’s own implies threads: 0', () => {
    const clock = new ManualClock();
    expect(resolveOptions({ clock }).threads).toBe(0);
    expect(resolveOptions({ network: new MemoryNetwork({ clock }) }).threads).toBe(0);
  });
});

describe('refused at the door, by path', () => {
  const rows: [string, unknown][] = [
    ['pasword', { pasword: 'x' }],
    ['accounts[0].pasword', { accounts: [{ uri: 'sip:a@b', pasword: 'secret' }] }],
    ['trunks[0].host', { trunks: [{ ...trunk, host: 'a' }] }],
    ['audio.rate', { audio: { rate: 8000 } }],
    ['overload.retry', { overload: { status: 503, retry: 1 } }],
    ['password', { password: 'secret' }],
    ['voicemail', { voicemail: true }],
    ['uri', { uri: 'pbx.example.com' }],
    ['uri', { uri: 'sip:pbx.example.com' }],
    ['uri', { uri: 'tel:+15550100' }],
    ['accounts[0].uri', { accounts: [{ uri: '' }] }],
    ['registrar', { uri: 'sip:a@b', registrar: 'sip:' }],
    ['outboundProxy', { uri: 'sip:a@b', outboundProxy: ' ' }],
    ['expiresS', { uri: 'sip:a@b', expiresS: 1 }],
    ['trunks[0].name', { trunks: [{ hosts: ['a'] }] }],
    ['trunks[0].hosts', { trunks: [{ name: 'a', hosts: [] }] }],
    ['trunks[0].hosts[1]', { trunks: [{ name: 'a', hosts: ['a', 'b c'] }] }],
    ['trunks[0].sources', { trunks: [{ ...trunk, sources: ['nobody'] }] }],
    ['trunks[0].identity', { trunks: [{ ...trunk, identity: 'rpid' }] }],
    ['trunks[0].transport', { trunks: [{ ...trunk, transport: 'sctp' }] }],
    ['trunks[0].codecs[0]', { trunks: [{ ...trunk, codecs: ['g729'] }] }],
    ['trunks[0].srtp', { trunks: [{ ...trunk, srtp: 'dtls' }] }],
    ['trunks[0].optionsPingS', { trunks: [{ ...trunk, optionsPingS: -1 }] }],
    ['trunks', { trunks: [trunk, trunk] }],
    ['listen', { listen: [] }],
    ['listen[0].transport', { listen: [{ transport: 'sctp' }] }],
    ['listen[0].port', { listen: [{ transport: 'udp', port: 70_000 }] }],
    ['publicAddress', { publicAddress: 'example.com' }],
    ['localNetworks', { localNetworks: ['10.0.0.0/99'] }],
    ['rtpPorts[0]', { rtpPorts: [80, 90] }],
    ['rtpPorts[1]', { rtpPorts: [20_000, 10_000] }],
    ['codecs', { codecs: [] }],
    ['codecs[1]', { codecs: ['pcmu', 'g729'] }],
    ['codecs', { codecs: ['pcmu', 'pcmu'] }],
    ['codecOrder', { codecOrder: 'mine' }],
    ['audio.sampleRate', { audio: { sampleRate: 44_100 } }],
    ['audio.frameMs', { audio: { frameMs: 15 } }],
    ['srtp', { srtp: 'yes' }],
    ['threads', { threads: -1 }],
    ['threads', { threads: 1, clock: new ManualClock() }],
    ['maxCalls', { maxCalls: 1.5 }],
    ['maxCallsPerSource', { maxCallsPerSource: -1 }],
    ['maxCallsPerAccount', { maxCallsPerAccount: '3' }],
    ['guard.banS', { guard: { banS: -1 } }],
    ['guard.requestsPerS', { guard: { requestsPerS: 0 } }],
    ['guard.rate', { guard: { rate: 5 } }],
    ['blockCallers', { blockCallers: 'eve' }],
    ['blockNumbers', { blockNumbers: [''] }],
    ['transferTargets', { transferTargets: [600] }],
    ['overload.status', { overload: { status: 200 } }],
    ['overload.retryAfter', { overload: { status: 503, retryAfter: -1 } }],
    ['allow', { allow: ['example.com'] }],
    ['deny', { deny: ['10.0.0.0/x'] }],
    ['ringTimeoutMs', { ringTimeoutMs: -1 }],
    ['maxCallMs', { maxCallMs: Number.NaN }],
    ['mediaTimeoutMs', { mediaTimeoutMs: '5' }],
    ['sessionExpiresS', { sessionExpiresS: 60 }],
    ['headers.Via', { uri: 'sip:a@b', headers: { Via: 'x' } }],
    ['instanceId', { uri: 'sip:a@b', password: 'x', instanceId: 'not a uuid' }],
    ['bot', { bot: 'EchoBot' }],
    ['users', { users: 5 }],
    ['stunServer', { stunServer: 'a b' }],
    ['trunks[0].numbers', { trunks: [{ ...trunk, numbers: '+1' }] }],
    ['trunks[0].callerId', { trunks: [{ ...trunk, callerId: 'sip:' }] }],
  ];
  test.each(rows)('%s (%o)', (path, options) => {
    let error: unknown;
    try {
      new SipBot(options as SipBotOptions);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ option: path, code: 'ERR_OPTION' });
    expect(String(error)).not.toContain('secret');
  });
});
