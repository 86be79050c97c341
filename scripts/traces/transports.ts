/** The same over TLS and WebSocket: registered, calling and called over a connection that we opened. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SipBotOptions } from '../../src/bot.js';
import { makeCertificates } from '../../test/interop/peers/asterisk.js';
import { sleep } from '../../test/interop/peers/process.js';
import type { Recording } from '../../test/traces/recording.js';
import { throughProxy } from './kamailio.js';
import { answered, asterisk, ended, expectTold, hangUpAfter, member, PBX, PROXY, scene, user, work } from './stage.js';

const PORTS = { tls: 5061, ws: 5088, wss: 5089 } as const;
type Transport = keyof typeof PORTS;

const serverAt = (host: string, port: number, transport: Transport): string =>
  `${transport === 'wss' ? 'sips' : 'sip'}:${host}:${port};transport=${transport === 'wss' ? 'ws' : transport}`;

function over(transport: Transport, number: string, more: SipBotOptions = {}): () => SipBotOptions {
  const server = serverAt(PBX, PORTS[transport], transport);
  return () => ({
    ...user(number, { registrar: server, outboundProxy: `${server};lr`, ...more }),
    tls: { ca: readFileSync(makeCertificates(join(work, 'asterisk/keys'), PBX)) },
  });
}

/** Registered, and then. */
function here(
  name: string,
  transport: Transport,
  shows: string,
  bot: () => SipBotOptions,
  play: (recording: Recording) => Promise<void>,
): void {
  scene(`asterisk-${name}-${transport}`, 'Asterisk', shows, bot, async (recording) => {
    await asterisk();
    recording.do('start');
    await expectTold(recording, /registered/);
    await play(recording);
    await sleep(200);
  });
}

for (const [transport, name] of [
  ['tls', 'TLS'],
  ['ws', 'a WebSocket'],
  ['wss', 'a WebSocket over TLS'],
] as const) {
  here(
    'register',
    transport,
    `registered over ${name}, and unregistered over the same connection`,
    over(transport, '6001'),
    async () => {},
  );
  here('call', transport, `a call over ${name}, held, taken back and hung up by us`, over(transport, '6001'), async (recording) => {
    recording.do(`dial sip:600@${PBX}`);
    await answered(recording);
    await sleep(200);
    recording.do('hold 1');
    await expectTold(recording, /held by local/);
    recording.do('resume 1');
    await expectTold(recording, /resumed by local/);
    recording.do('hangup 1');
    await ended(recording);
  });
  here('in', transport, `it calls us over ${name} that we opened, and hangs up`, over(transport, '6001'), async (recording) => {
    (await asterisk()).cli('channel originate PJSIP/6001 extension 906@pbx');
    await expectTold(recording, /call 1 comes/);
    recording.do('ring 1');
    await sleep(100);
    recording.do('answer 1');
    await ended(recording);
  });
}
here('srtp', 'tls', 'SRTP by SDES over TLS, required on both sides', over('tls', '6003', { srtp: 'required' }), async (recording) => {
  recording.do(`dial sip:600@${PBX}`);
  await hangUpAfter(300)(recording);
});
here('message', 'ws', 'a MESSAGE out over a WebSocket, and one that comes in', over('ws', '6002'), async (recording) => {
  recording.do(`message sip:950@${PBX} good morning`);
  await expectTold(recording, /^message /);
});

for (const [transport, port] of [
  ['tls', 5061],
  ['ws', 5080],
] as const) {
  const server = serverAt(PROXY, port, transport);
  const bot = (): SipBotOptions => ({
    ...member('7001'),
    ...{ registrar: server, outboundProxy: `${server};lr` },
    tls: { ca: readFileSync(makeCertificates(join(work, 'kamailio'), PROXY)) },
  });
  throughProxy(
    `record-route-out-${transport}`,
    `a call over ${transport === 'tls' ? 'TLS' : 'a WebSocket'} through a record-routing proxy to somebody on UDP, two routes for its two sides`,
    async (recording, other) => {
      other.on('call', (call) => call.answer());
      recording.do('dial sip:7002@sip.test');
      await hangUpAfter(400)(recording);
    },
    bot,
  );
  throughProxy(
    `record-route-in-${transport}`,
    `a call that comes from UDP through the proxy over ${transport === 'tls' ? 'TLS' : 'a WebSocket'}: our BYE goes back by its routes`,
    async (recording, other) => {
      void other.dial('sip:7001@sip.test');
      await expectTold(recording, /call 1 comes/);
      recording.do('answer 1');
      await hangUpAfter(400)(recording);
    },
    bot,
  );
}
