/** An application written for Twilio Media Streams runs behind our bot as it is. This one says back what it hears; * makes it stop. */
import { SipBot, type SipBotOptions, TwilioStreams, type TwilioStreamsOptions } from 'sipbot';
import { WebSocketServer } from 'ws';
import { fromEnvironment, isMain } from './environment.js';

/** Nothing in here knows of us: it is what listens behind Twilio's <Connect><Stream>. */
export function application(port: number): WebSocketServer {
  const server = new WebSocketServer({ port, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    const say = (message: object): void => socket.send(JSON.stringify(message));
    socket.on('message', (data) => {
      const { event, streamSid, media, dtmf, mark } = JSON.parse(String(data)) as Record<string, Record<string, string>>;
      if (String(event) === 'media') say({ event: 'media', streamSid, media: { payload: media!['payload'] } });
      if (String(event) === 'dtmf' && dtmf!['digit'] === '*') {
        say({ event: 'clear', streamSid });
        say({ event: 'mark', streamSid, mark: { name: 'stopped' } });
      }
      if (String(event) === 'mark') console.log(`heard up to "${mark!['name']}"`);
    });
  });
  return server;
}

export const twilioBot = (stream: TwilioStreamsOptions, options: SipBotOptions): SipBot =>
  new SipBot({ ...options, bot: (call) => new TwilioStreams({ parameters: { from: call.from.uri }, ...stream }) });

if (isMain(import.meta.url)) {
  application(8080);
  await twilioBot({ url: 'ws://127.0.0.1:8080/media' }, fromEnvironment()).start();
}
