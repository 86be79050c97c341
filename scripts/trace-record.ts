/**
 * `npm run trace:record`: records one live call as a trace, the way a bug is sent to us. What happens is typed in, or given as --do:
 *
 *   npm run trace:record -- my-bug.trace --shows "hold is refused" --uri sip:6001@pbx.example.com --do "dial sip:600@pbx.example.com" --do "wait 3" --do "hold 1"
 *
 * Lines: start, dial <target>, ring 1, answer 1, reject 1 486, hold 1, resume 1, dtmf 1 12#, transfer 1 <target>, hangup 1, message <target> <text>,
 * wait <seconds>. Calls are numbered as they begin. `stop`, Ctrl-D or Ctrl-C end the recording. Over TLS or WebSocket: --registrar and --proxy
 * with their `transport`, and --ca for an authority of your own. The password is in SIP_PASSWORD and not in the file; names, numbers and
 * addresses are: look before you send it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { SipBotOptions } from '../src/bot.js';
import type { CodecName } from '../src/codec/codec.js';
import type { TransportName } from '../src/sip/transport/transport.js';
import { Recording } from '../test/traces/recording.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    uri: { type: 'string' },
    registrar: { type: 'string' },
    proxy: { type: 'string' },
    ca: { type: 'string' },
    user: { type: 'string' },
    transport: { type: 'string', default: 'udp' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '5060' },
    codecs: { type: 'string', default: 'g722,pcmu,pcma' },
    srtp: { type: 'string' },
    shows: { type: 'string', default: 'a call that did not go as it should' },
    peer: { type: 'string', default: 'unknown' },
    do: { type: 'string', multiple: true },
  },
});
const [path] = positionals;
if (path === undefined) {
  console.error(
    'npm run trace:record -- <file.trace> --host <our address> [--uri sip:…] [--registrar …] [--proxy "sip:…;transport=tls"] [--peer "name and version"] [--shows "…"] [--do "…"]',
  );
  process.exit(2);
}

const password = process.env.SIP_PASSWORD;
const options: SipBotOptions = {
  listen: [{ transport: values.transport as TransportName, host: values.host, port: Number(values.port) }],
  rtpHost: values.host,
  codecs: values.codecs.split(',') as CodecName[],
  mediaTimeoutMs: 0,
  allow: ['0.0.0.0/0', '::/0'],
  threads: 0,
  ...(values.ca === undefined ? {} : { tls: { ca: readFileSync(values.ca) } }),
  ...(values.srtp === undefined ? {} : { srtp: values.srtp as NonNullable<SipBotOptions['srtp']> }),
  ...(values.uri === undefined
    ? {}
    : {
        uri: values.uri,
        ...(password === undefined ? {} : { password }),
        ...(values.registrar === undefined ? {} : { registrar: values.registrar }),
        ...(values.proxy === undefined ? {} : { outboundProxy: values.proxy }),
        ...(values.user === undefined ? {} : { authUser: values.user }),
      }),
};
const recording = new Recording(options);
recording.bot.on('trace', ({ direction, bytes }) =>
  console.log(`${direction === 'out' ? '>' : '<'} ${Buffer.from(bytes).toString('latin1').split('\r\n')[0]}`),
);

async function* lines(): AsyncGenerator<string> {
  yield 'start';
  if (values.do !== undefined) yield* values.do;
  else yield* createInterface({ input: process.stdin });
}

const stopping = new Promise<string>((resolve) => process.once('SIGINT', () => resolve('stop')));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const iterator = lines();
for (;;) {
  const next = await Promise.race([iterator.next().then(({ done, value }) => (done === true ? 'stop' : value)), stopping]);
  const line = next.trim();
  if (line === 'stop') break;
  if (line.startsWith('wait ')) await Promise.race([sleep(Number(line.slice(5)) * 1000), stopping]);
  else if (line !== '') {
    recording.do(line);
    await sleep(300);
  }
}
recording.do('stop');
await recording.actor.idle();
writeFileSync(path, recording.write(values.shows, `${values.peer}, recorded ${new Date().toISOString().slice(0, 10)}`));
console.log(`\n${recording.story.filter((line) => line.startsWith('told')).join('\n')}\nwritten: ${path}`);
process.exit(0);
