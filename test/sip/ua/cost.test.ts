/** What a request costs on its way through the whole agent, socket to socket: bytes of heap, counted and not timed. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { DatagramListener, DatagramSocket, Network } from '../../../src/network.js';
import { UserAgent } from '../../../src/sip/ua/user-agent.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

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

const ROUNDS = 8;
const EACH = 150;

/** Everything of one exchange as datagrams, made before anything is counted. `%` in the text is the number of the exchange. */
function exchanges(texts: readonly string[]): Buffer[][] {
  return Array.from({ length: (ROUNDS + 4) * EACH }, (_, number) => texts.map((text) => Buffer.from(text.replaceAll('%', String(number)))));
}

function request(method: string, more: readonly string[] = [], body = ''): string {
  return [
    `${method} sip:bot@192.0.2.1 SIP/2.0`,
    'Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK-a-%;rport',
    'Max-Forwards: 70',
    'From: "Alice" <sip:alice@192.0.2.9>;tag=a-%',
    'To: <sip:bot@192.0.2.1>',
    'Call-ID: call-%@192.0.2.9',
    `CSeq: 1 ${method}`,
    'Contact: <sip:alice@192.0.2.9:5060>',
    ...more,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

const offer = ['v=0', 'o=- 1 1 IP 192.0.2.9', 's=-', 'c=IP 192.0.2.9', 't=0 0', 'm=audio 4000 RTP/AVP 0 8 101', ''].join('\r\n');

test.each([
  ['OPTIONS and its 200', [request('OPTIONS')], 1, 18_000],
  [
    'INVITE, 180, 486 and the ACK',
    [request('INVITE', ['Content-Type: application/sdp', 'Supported: timer, 100rel'], offer), request('ACK')],
    2,
    42_000,
  ],
])('heap for %s', async (_, texts, answers, most) => {
  const wire = new Wire();
  const clock = new ManualClock();
  const network = { datagram: async () => wire } as unknown as Network;
  const agent = new UserAgent({
    clock,
    network,
    random: new SeededRandom(1),
    listen: [{ transport: 'udp', host: '192.0.2.1', port: 5060 }],
  });
  agent.on('invite', (call) => {
    void call.progress(180);
    call.reject(486);
  });
  await agent.start();
  const all = exchanges(texts);
  let next = 0;
  const run = (): void => {
    for (const bytes of all[next++]!) wire.onMessage!(bytes, '192.0.2.9', 5060);
  };
  for (let i = 0; i < 4 * EACH; i++) run();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    await clock.run(40_000);
    expect(agent.stats().transactions.servers).toBe(0);
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < EACH; i++) run();
    const grown = process.memoryUsage().heapUsed - before;
    if (grown > 0) least = Math.min(least, grown / EACH);
  }
  expect(wire.sent).toBe(answers * all.length);
  expect(least).toBeLessThan(most);
  await agent.close();
  expect(clock.pending).toBe(0);
});
