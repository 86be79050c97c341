/** A PBX of few words, as a user agent that is no SipBot: registers, keeps a mailbox, and remembers what it was asked. */
import { Registrar } from '../../../src/sip/ua/registrar.js';
import type { IncomingSubscription } from '../../../src/sip/ua/subscription-incoming.js';
import { UserAgent } from '../../../src/sip/ua/user-agent.js';
import type { UserAgentOptions } from '../../../src/sip/ua/user-agent-options.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { hostOf, type World } from './world.js';

export interface Pbx {
  readonly agent: UserAgent;
  readonly registrar: Registrar;
  readonly subscriptions: IncomingSubscription[];
  /** What the mailbox says; told by `notify` of the subscriptions. */
  mailbox: string;
}

export async function pbx(
  world: World,
  number: number,
  users: Record<string, string>,
  options: Partial<UserAgentOptions> = {},
): Promise<Pbx> {
  const agent = new UserAgent({
    clock: world.clock,
    network: world.network,
    random: new SeededRandom(number),
    listen: [{ transport: 'udp', host: hostOf(number), port: 5060 }],
    eventPackages: ['message-summary'],
    ...options,
  });
  await agent.start();
  const registrar = new Registrar({ clock: world.clock, random: new SeededRandom(number + 100), users, domains: [hostOf(number)] }).attach(
    agent,
  );
  const house: Pbx = { agent, registrar, subscriptions: [], mailbox: 'Messages-Waiting: no\r\nVoice-Message: 0/3 (0/0)\r\n' };
  agent.on('subscribe', (incoming) => {
    house.subscriptions.push(incoming);
    incoming.accept(() => ({ contentType: 'application/simple-message-summary', bytes: Buffer.from(house.mailbox) }));
  });
  return house;
}
