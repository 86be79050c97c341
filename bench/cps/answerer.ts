/**
 * Who is called in `bench cps`: answers every INVITE 180 and 200, and every BYE. `signalling` is a `UserAgent` with a fixed description; `media` is a
 * `SipBot`, which opens ports, agrees on a codec and starts a stream for each call. Says its port and waits to be ended.
 */
import { SipBot } from '../../src/bot/sip-bot.js';
import { UserAgent } from '../../src/sip/ua/user-agent.js';

const [mode = 'signalling', host = '127.0.0.1', port = '0'] = process.argv.slice(2);
const listen = [{ transport: 'udp', host, port: Number(port) }] as const;

async function answerWithoutMedia(): Promise<void> {
  const agent = new UserAgent({ listen });
  const description = [
    'v=0',
    `o=- 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    'm=audio 40000 RTP/AVP 0 101',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    'a=sendrecv',
    '',
  ].join('\r\n');
  const body = { contentType: 'application/sdp', bytes: new TextEncoder().encode(description) };
  agent.on('invite', (call) => {
    call.handler = {};
    void call.progress(180);
    call.accept({ body }).catch(() => {});
  });
  await agent.start();
}

async function answerWithMedia(): Promise<void> {
  const bot = new SipBot({ listen, rtpHost: host, allow: ['127.0.0.0/8'] });
  bot.on('call', (call) => {
    void call.ring();
    call.answer().catch(() => {});
  });
  await bot.start();
}

process.on('SIGTERM', () => process.exit(0));
void (mode === 'media' ? answerWithMedia() : answerWithoutMedia()).then(() => console.log('up'));
