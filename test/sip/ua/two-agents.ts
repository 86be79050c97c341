/** Agents on one seeded memory network and one hand-turned clock. */
import { UserAgent } from '../../../src/sip/ua/user-agent.js';
import type { UserAgentOptions } from '../../../src/sip/ua/user-agent-options.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { type Impairment, MemoryNetwork } from '../../../src/testing/memory-network.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

export class Town {
  readonly clock = new ManualClock();
  readonly network: MemoryNetwork;
  readonly agents: UserAgent[] = [];
  readonly #seed: number;

  constructor(impairment: Impairment = { delayMs: 10 }, seed = 1) {
    this.#seed = seed;
    this.network = new MemoryNetwork({ clock: this.clock, seed, ...impairment });
  }

  /** An agent at `host`:5060, over UDP unless told otherwise; its user part is its name. */
  async settle(name: string, host: string, options: UserAgentOptions = {}): Promise<UserAgent> {
    const agent = new UserAgent({
      clock: this.clock,
      network: this.network,
      random: new SeededRandom(this.#seed * 1000 + this.agents.length),
      listen: [{ transport: 'udp', host, port: 5060 }],
      from: `<sip:${name}@${host}>`,
      contactUser: name,
      ...options,
    });
    this.agents.push(agent);
    await agent.start();
    return agent;
  }

  /** Every agent closed, and what is left anywhere. */
  async close(): Promise<Record<string, number>> {
    const closing = Promise.all(this.agents.map((agent) => agent.close()));
    await this.clock.run(2000);
    await closing;
    const left = { sockets: this.network.open, timers: 0, servers: 0, clients: 0, requests: 0, dialogs: 0 };
    for (const agent of this.agents) {
      const stats = agent.stats();
      left.timers += stats.timers;
      left.servers += stats.transactions.servers;
      left.clients += stats.transactions.clients;
      left.requests += stats.requests;
      left.dialogs += stats.dialogs;
    }
    return left;
  }
}

export const NOTHING_LEFT = { sockets: 0, timers: 0, servers: 0, clients: 0, requests: 0, dialogs: 0 };

/** Waits for a promise while the clock runs. */
export async function within<T>(town: Town, promise: Promise<T>, limitMs = 200_000): Promise<T> {
  let done = false;
  const settled = promise.finally(() => {
    done = true;
  });
  settled.catch(() => {});
  await town.clock.runUntil(() => done, limitMs);
  return settled;
}
