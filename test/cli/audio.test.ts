import { describe, expect, test } from 'vitest';
import { SipBot } from '../../src/bot.js';
import { audioBothWays } from '../../src/cli/checks/audio.js';
import { systemClock } from '../../src/clock.js';
import { UserAgent } from '../../src/sip/ua/user-agent.js';
import { type Impairment, MemoryNetwork } from '../../src/testing/memory-network.js';

const [US, THEM] = ['192.0.2.1', '192.0.2.2'];
const clock = systemClock;

/** What is said of a call of two seconds to somebody over that network. */
async function saidOf(number: string, network: MemoryNetwork): Promise<string[]> {
  const bot = new SipBot({ listen: [{ transport: 'udp', host: US }], rtpHost: US, clock, network, codecs: ['pcmu'] });
  await bot.start();
  const findings = await audioBothWays(bot, number, { seconds: 2, signal: new AbortController().signal });
  await bot.stop();
  return findings.map(({ verdict, what }) => `${verdict}: ${what.replaceAll(/\d+/g, 'N')}`);
}

/** Somebody who echoes; the line is impaired for the first second and a half of the call, and whole again when it is hung up. */
async function echo(network: MemoryNetwork, impairment: Impairment = {}): Promise<SipBot> {
  const bot = new SipBot({
    listen: [{ transport: 'udp', host: THEM, port: 5060 }],
    rtpHost: THEM,
    clock,
    network,
    allow: ['192.0.2.0/24'],
  });
  bot.on('call', async (call) => {
    await call.answer();
    network.impair(impairment);
    clock.at(clock.now() + 1500, () => network.impair({}));
    call.audio.on('frame', (frame) => void call.audio.write(frame.samples));
  });
  await bot.start();
  return bot;
}

describe.concurrent('what doctor says of a call to an echo', () => {
  test('both ways, over a line that loses too much', async () => {
    const network = new MemoryNetwork({ clock, seed: 3 });
    const bot = await echo(network, { loss: 0.2 });
    expect(await saidOf(`sip:echo@${THEM}`, network)).toEqual([
      'ok: audio goes both ways, in pcmu (N packets sent, N heard, N lost)',
      'wrong: N.N % of the packets are lost',
    ]);
    await bot.stop();
  });

  test('nothing is heard of one who says that media goes elsewhere', async () => {
    const network = new MemoryNetwork({ clock });
    const agent = new UserAgent({ listen: [{ transport: 'udp', host: THEM, port: 5060 }], clock, network });
    agent.on('invite', (invite) => {
      const sdp = ['v=0', `o=- 1 1 IN IP4 ${THEM}`, 's=-', `c=IN IP4 ${THEM}`, 't=0 0', 'm=audio 9000 RTP/AVP 0', ''].join('\r\n');
      void invite.accept({ body: { contentType: 'application/sdp', bytes: Buffer.from(sdp) } });
    });
    await agent.start();
    expect(await saidOf(`sip:silent@${THEM}`, network)).toEqual(['wrong: nothing is heard: no packet of theirs arrives']);
    await agent.close();
  });

  test('a number that refuses, and none at all', async () => {
    const network = new MemoryNetwork({ clock });
    const bot = new SipBot({ listen: [{ transport: 'udp', host: THEM, port: 5060 }], clock, network, allow: ['192.0.2.0/24'] });
    bot.on('call', (call) => call.reject(404));
    await bot.start();
    expect(await saidOf(`sip:nobody@${THEM}`, network)).toEqual([expect.stringMatching(/^wrong: the call to .* failed: /)]);
    await bot.stop();
  });
});
