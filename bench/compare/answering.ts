/** A request answered by a whole agent, from the datagram to the datagram: transport, transaction, inspection, its timers; the socket is none. */
import type { DatagramListener, DatagramSocket, Network } from '../../src/network.js';
import type { Load } from './load.js';
import type { Work } from './work.js';

type Room = typeof import('../../src/sip/ua/user-agent.js') & typeof import('../../src/testing/manual-clock.js');

class Wire implements DatagramSocket {
  onMessage: DatagramListener | undefined;
  onError: undefined;
  readonly local = { address: '192.0.2.1', port: 5060 };
  sent = 0;

  send(): void {
    this.sent++;
  }

  close(): void {}
}

const FROM = { address: '192.0.2.2', port: 5062 };
const options = (number: number): Buffer =>
  Buffer.from(
    [
      'OPTIONS sip:bot@192.0.2.1 SIP/2.0',
      `Via: SIP/2.0/UDP ${FROM.address}:${FROM.port};branch=z9hG4bK${number};rport`,
      'Max-Forwards: 70',
      `From: <sip:caller@192.0.2.2>;tag=${number}`,
      'To: <sip:bot@192.0.2.1>',
      `Call-ID: ${number}@192.0.2.2`,
      'CSeq: 1 OPTIONS',
      'Contact: <sip:caller@192.0.2.2:5062>',
      'Accept: application/sdp',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );

export async function answeringTasks(load: Load): Promise<Work[]> {
  const { UserAgent, ManualClock } = await load<Room>('sip/ua/user-agent', 'testing/manual-clock');
  const wire = new Wire();
  const clock = new ManualClock();
  const network: Pick<Network, 'datagram'> = { datagram: async () => wire };
  const agent = new UserAgent({ listen: [{ transport: 'udp', host: '192.0.2.1', port: 5060 }], clock, network: network as Network });
  await agent.start();
  let number = 0;
  const answer = (): number => {
    wire.onMessage!(options(number++), FROM.address, FROM.port);
    // The transactions of 32 s end as others begin.
    clock.advance(20);
    return wire.sent;
  };
  answer();
  if (wire.sent !== 1) throw new Error('an OPTIONS is not answered at once');
  return [{ name: 'OPTIONS answered by an agent', run: answer }];
}
