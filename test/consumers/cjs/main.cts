import { EchoBot, SipBot } from 'sipbot';
import { encoder } from 'sipbot/codec';
import { parseUri } from 'sipbot/sip';
import { ManualClock, MemoryNetwork } from 'sipbot/testing';

async function main(): Promise<void> {
  const clock = new ManualClock();
  const bot = new SipBot({ clock, network: new MemoryNetwork({ clock }), bot: () => new EchoBot() });
  bot.on('registered', ({ account }) => console.log(account));
  const threaded = new SipBot({ threads: 1, listen: [{ transport: 'udp', host: '127.0.0.1' }] });
  await threaded.start();
  await threaded.stop();
  const checks = [encoder('pcma').sampleRate === 8000, parseUri('tel:+1')?.scheme === 'tel', bot.calls.size === 0];
  console.log(checks.every(Boolean) ? 'consumer ok' : checks);
}

void main();
