/** Calls as phones and gateways of others really made them, taken from published captures: each INVITE is put to a bot, which takes it or says why not. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SipBot } from '../../src/bot.js';
import { parse } from '../../src/sip/message/parse.js';
import { isParseFailure } from '../../src/sip/message/parse-failure.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { MemoryNetwork } from '../../src/testing/memory-network.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { sipOfCapture } from '../../src/trace/captured-sip.js';

const data = process.env['SIPBOT_TEST_DATA'];
const folder = `${data}/captures-dev/`;
const captures = data === undefined ? [] : readdirSync(folder).filter((name) => /\.pcap(ng)?$/.test(name));

/** Those that nobody should take. */
const REFUSED: Readonly<Record<string, string>> = {
  // Two To headers, made to test an inspector (§7.3.1: To is no list).
  'suricata-header-multi-value.pcap': '400',
};

/** The first INVITE of each call in it. */
const invites = captures.flatMap((name) => {
  const seen = new Set<string>();
  return sipOfCapture(readFileSync(`${folder}${name}`)).messages.flatMap(({ bytes }) => {
    const message = parse(bytes);
    if (isParseFailure(message) || message.kind !== 'request' || message.method !== 'INVITE' || seen.has(message.callId ?? '')) return [];
    seen.add(message.callId ?? '');
    return [[name, message.userAgent ?? 'unnamed', bytes] as const];
  });
});

describe.skipIf(data === undefined)('INVITEs of others (needs SIPBOT_TEST_DATA)', () => {
  test.each(invites)('%s: %s', async (name, _agent, bytes) => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const us = { host: '10.0.0.1', port: 5060 };
    const bot = new SipBot({
      clock,
      network,
      random: new SeededRandom(5),
      listen: [{ transport: 'udp', ...us }],
      rtpHost: us.host,
      codecs: ['g722', 'pcmu', 'pcma'],
      allow: ['10.0.0.0/8'],
    });
    bot.on('call', (call) => call.answer().catch(() => {}));
    const started = bot.start();
    await clock.run(50);
    await started;
    const peer = await network.datagram({ host: '10.0.0.2', port: 5060 });
    const answers: string[] = [];
    peer.onMessage = (answer) => answers.push(Buffer.from(answer).toString('latin1'));
    peer.send(bytes, 0, bytes.length, us.port, us.host);
    await clock.run(300);
    const last = answers.filter((answer) => !answer.startsWith('SIP/2.0 100')).at(-1) ?? 'nothing';
    let isStopped = false;
    void bot.stop().finally(() => {
      isStopped = true;
    });
    await clock.runUntil(() => isStopped, 120_000);
    peer.close();
    const status = /^SIP\/2\.0 (\d{3})/.exec(last)?.[1];
    const outcome = `${status} ${/m=audio [1-9]\d* RTP\/AVP/.test(last) ? 'with audio' : ''}`.trim();
    // 488: of its codecs there is none here (GSM alone).
    expect([name, REFUSED[name] === undefined ? ['200 with audio', '488'].includes(outcome) : outcome === REFUSED[name], last]).toEqual([
      name,
      true,
      last,
    ]);
  });
});
