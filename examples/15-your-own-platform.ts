/** A voice platform of one's own: a WebSocket that takes PCM at 16 kHz, gives 22.05 kHz back, and has its own words for the rest. Wants VOICE_URL. */
import { PcmWebSocket, type PcmWebSocketOptions, SipBot, type SipBotOptions } from 'sipbot';
import { fromEnvironment, isMain } from './environment.js';

export function platformBot(platform: Pick<PcmWebSocketOptions, 'url' | 'connect'>, options: SipBotOptions, print = console.log): SipBot {
  const connector = (): PcmWebSocket => {
    const bridge = new PcmWebSocket({
      ...platform,
      sampleRate: 16_000,
      replySampleRate: 22_050,
      hello: (call) => ({ op: 'begin', caller: call.from.user, call: call.id }),
      understand: (message) => {
        if (message['op'] === 'interrupt') return { type: 'clear' };
        if (message['op'] === 'bye') return { type: 'hangup' };
        return undefined;
      },
    });
    bridge.on('message', (message) => print(JSON.stringify(message)));
    bridge.on('down', ({ code }) => print(`the platform is away (${code}); the caller is kept`));
    bridge.on('gone', () => print(JSON.stringify(bridge.stats()?.response ?? 'nobody answered')));
    return bridge;
  };
  return new SipBot({ ...options, bot: connector });
}

if (isMain(import.meta.url)) {
  const { VOICE_URL = 'ws://127.0.0.1:8090/voice' } = process.env;
  await platformBot({ url: VOICE_URL }, fromEnvironment()).start();
}
