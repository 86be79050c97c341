import { describe, expect, test } from 'vitest';
import { SipRequest } from '../../../src/sip/message/message.js';
import { responseFlow } from '../../../src/sip/ua/response-flow.js';
import { Town } from './two-agents.js';

const A = '10.0.0.1';
const B = '10.0.0.2';

const request = (via: string) => new SipRequest('OPTIONS', `sip:${B}`, [['Via', via]]);

/** Where the answer goes to a request that came from 10.0.0.1:5060 over UDP with this Via, already stamped. */
async function wayBack(via: string): Promise<string> {
  const town = new Town();
  const bob = await town.settle('bob', B);
  const flow = await bob.transports.flowTo({ transport: 'udp', address: A, port: 5060, host: A });
  const other = responseFlow(bob.transports, request(via), flow);
  return other === undefined ? 'back' : `${(await other).remote.address}:${(await other).remote.port}`;
}

describe('the way of a response, RFC 3261 §18.2.2', () => {
  test.each([
    ['RFC 3581 §4 rport: back to the source', 'SIP/2.0/UDP pc:5090;branch=z9hG4bK1;received=10.0.0.1;rport=5060', 'back'],
    ['sent-by is the source', 'SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1', 'back'],
    ['sent-by without a port is 5060', 'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1', 'back'],
    ['another port in sent-by: there', 'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1', '10.0.0.1:5070'],
    [
      'a name in sent-by: received, and the port of sent-by',
      'SIP/2.0/UDP pc.example:5070;branch=z9hG4bK1;received=10.0.0.1',
      '10.0.0.1:5070',
    ],
    [
      'an address behind a NAT, and no rport: only the source port leads back',
      'SIP/2.0/UDP 192.168.1.5:5070;branch=z9hG4bK1;received=10.0.0.1',
      'back',
    ],
    ['a multicast maddr: there', 'SIP/2.0/UDP 10.0.0.1;maddr=224.0.1.75;branch=z9hG4bK1', '224.0.1.75:5060'],
    ['a unicast maddr is not followed: it could be anybody', 'SIP/2.0/UDP 10.0.0.1;maddr=192.0.2.66;branch=z9hG4bK1', 'back'],
  ])('%s', async (_name, via, way) => {
    expect(await wayBack(via)).toBe(way);
  });

  test('over TCP: on the connection; when that is gone, a new one to received and the port of sent-by', async () => {
    const town = new Town();
    const listen = (host: string) => ({ listen: [{ transport: 'tcp' as const, host, port: 5060 }] });
    const alice = await town.settle('alice', A, listen(A));
    const bob = await town.settle('bob', B, listen(B));
    const answers: number[] = [];
    bob.handle('MESSAGE', (incoming) => {
      incoming.flow.close();
      town.clock.at(town.clock.now() + 500, () => incoming.reply(200));
    });
    alice.on('trace', ({ direction, bytes }) => {
      if (direction === 'in') answers.push(Number(new TextDecoder().decode(bytes).split(' ', 2)[1]));
    });
    void alice.request({ method: 'MESSAGE', uri: `sip:${B};transport=tcp`, body: 'x' });
    await town.clock.run(2000);
    expect(answers).toEqual([200]);
  });

  test('over a WebSocket that is gone there is no way', async () => {
    const town = new Town();
    const bob = await town.settle('bob', B);
    const flow = { ...(await bob.transports.flowTo({ transport: 'udp', address: A, port: 5060, host: A })) };
    const gone = { ...flow, transport: 'ws' as const, reliable: true, isOpen: false };
    await expect(responseFlow(bob.transports, request('SIP/2.0/WS x.invalid;branch=z9hG4bK1'), gone as never)).rejects.toMatchObject({
      code: 'ERR_TRANSPORT',
    });
  });
});
