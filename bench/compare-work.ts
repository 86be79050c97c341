/** One process of `bench:compare`: the work, done with the sources of the checkout that is named; prints nanoseconds of CPU. */
import { pathToFileURL } from 'node:url';
import { measure } from './measure.js';
import { invite, ok } from './messages.js';

const room = pathToFileURL(`${process.argv[2]}/src/sip/message/`);
type Room = typeof import('../src/sip/message/parse.js') &
  typeof import('../src/sip/message/response-to.js') &
  typeof import('../src/sip/message/write.js') &
  typeof import('../src/sip/message/message.js');
const files = await Promise.all(['parse', 'response-to', 'write', 'message'].map((name) => import(new URL(`${name}.ts`, room).href)));
const { parse, responseTo, write, SipRequest } = Object.assign({}, ...files) as Room;

const request = parse(invite) as InstanceType<typeof SipRequest>;
const body = Buffer.from(request.body).toString();
const entries = request.entries.filter(([name]) => name !== 'Content-Length');
const headers = [['Contact', '<sip:+14155550123@198.51.100.23:5080>']] as const;

const timings = measure(
  [
    {
      name: 'INVITE in, 200 out',
      run: () => write(responseTo(parse(invite) as typeof request, 200, { toTag: 'x', headers, contentType: 'application/sdp', body })),
    },
    {
      name: '200 in, six headers',
      run: () => {
        const { via, from, to, callId, cseq, contact } = parse(ok) as typeof request;
        return [via?.branch, from?.tag, to?.tag, callId, cseq?.number, contact?.uriText];
      },
    },
    { name: 'INVITE out', run: () => write(new SipRequest('INVITE', request.uri, entries, body)) },
  ],
  { rounds: 15, warmMs: 300 },
);
console.log(JSON.stringify(Object.fromEntries(timings.map(({ name, ns }) => [name, ns]))));
