/** The SIP message: bytes in, bytes out. */

import { invite, ok } from '../messages.js';
import type { Load } from './load.js';
import type { Work } from './work.js';

type Room = typeof import('../../src/sip/message/parse.js') &
  typeof import('../../src/sip/message/response-to.js') &
  typeof import('../../src/sip/message/write.js') &
  typeof import('../../src/sip/message/message.js');

export async function messageTasks(load: Load): Promise<Work[]> {
  const names = ['parse', 'response-to', 'write', 'message'].map((name) => `sip/message/${name}`);
  const { parse, responseTo, write, SipRequest } = await load<Room>(...names);
  const request = parse(invite) as InstanceType<typeof SipRequest>;
  const body = Buffer.from(request.body).toString();
  const entries = request.entries.filter(([name]) => name !== 'Content-Length');
  const headers = [['Contact', '<sip:+14155550123@198.51.100.23:5080>']] as const;
  const answer = { toTag: 'x', headers, contentType: 'application/sdp', body };
  return [
    { name: 'INVITE read, 200 written', run: () => write(responseTo(parse(invite) as typeof request, 200, answer)) },
    {
      name: '200 read, six headers',
      run: () => {
        const { via, from, to, callId, cseq, contact } = parse(ok) as typeof request;
        return [via?.branch, from?.tag, to?.tag, callId, cseq?.number, contact?.uriText];
      },
    },
    { name: 'INVITE written', run: () => write(new SipRequest('INVITE', request.uri, entries, body)) },
  ];
}
