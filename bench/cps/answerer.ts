/** The signalling of a call and nothing else: answers every INVITE 180 and 200 with a fixed description, and every BYE. Prints its port and waits to be ended. */
import { UserAgent } from '../../src/sip/ua/user-agent.js';

const [host = '127.0.0.1', port = '0'] = process.argv.slice(2);
const agent = new UserAgent({ listen: [{ transport: 'udp', host, port: Number(port) }] });
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
console.log(JSON.stringify({ pid: process.pid, port: agent.addresses[0]!.port }));
process.on('SIGUSR2', () => console.error(JSON.stringify(agent.stats())));
process.on('SIGTERM', () => process.exit(0));
