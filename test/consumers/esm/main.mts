import { type Call, CallError, EchoBot, OptionError, SipBot } from 'sipbot';
import { encoder, Resampler } from 'sipbot/codec';
import { JitterBuffer, parseRtp } from 'sipbot/rtp';
import { answer, offer } from 'sipbot/session';
import { isParseFailure, parse, parseUri, UserAgent, write } from 'sipbot/sip';
import { ManualClock, MemoryNetwork } from 'sipbot/testing';

const clock = new ManualClock();
const network = new MemoryNetwork({ clock });
const bot = new SipBot({ clock, network, bot: () => new EchoBot() });
bot.on('call', async (call: Call) => {
  await call.answer();
  for await (const frame of call.audio) call.audio.write(frame.samples);
});
// @ts-expect-error: there is no such event.
const wrong = (): void => void bot.on('cal', () => {});
// @ts-expect-error: there is no such option.
const mistyped = (): SipBot => new SipBot({ pasword: 'x' });
const message = parse(Buffer.from('OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bKx\r\n\r\n'));
const checks = [
  !isParseFailure(message) && write(message).length > 0,
  parseUri('sip:a@b')?.host === 'b',
  encoder('pcmu').sampleRate === 8000,
  [JitterBuffer, parseRtp, UserAgent, offer, answer, Resampler, CallError, wrong, mistyped].every((one) => typeof one === 'function'),
  new OptionError('a', 'b').code === 'ERR_OPTION' && new OptionError('a', 'b').name === 'OptionError',
];
await bot.stop();
console.log(checks.every(Boolean) ? 'consumer ok' : checks);
