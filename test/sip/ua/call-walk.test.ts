/**
 * Two agents do what comes into their heads with their calls, over a bad network: changes of the session that cross, requests without use, transfers,
 * cancels and goodbyes at any moment. Whatever they do, every call ends once on each side, every promise settles, and nothing is left.
 */
import { describe, expect, test } from 'vitest';
import type { IncomingInvite } from '../../../src/sip/ua/invite-incoming.js';
import type { OutgoingInvite } from '../../../src/sip/ua/invite-outgoing.js';
import type { Body, InviteHandler, InviteUsage } from '../../../src/sip/ua/invite-usage.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { NOTHING_LEFT, Town } from './two-agents.js';

const A = '10.0.0.1';
const B = '10.0.0.2';
const SEEDS = Array.from({ length: Number(process.env['SIPBOT_WALK_SEEDS'] ?? 12) }, (_, i) => i + 1);
const CALLS = 25;

let serial = 0;
const offer = (): Body => ({ contentType: 'application/sdp', bytes: new TextEncoder().encode(`offer ${++serial}`) });
const answer = (to: Body): Body => ({
  contentType: 'application/sdp',
  bytes: new TextEncoder().encode(`answer to ${new TextDecoder().decode(to.bytes)}`),
});
const words = (body: Body | undefined) => (body === undefined ? '' : new TextDecoder().decode(body.bytes));

class Walk {
  readonly town: Town;
  readonly random: SeededRandom;
  /** What must not be: a second end, news after it, an answer to another offer. */
  readonly wrongs: string[] = [];
  pending = 0;
  ends = 0;
  readonly #seed: number;

  constructor(seed: number, loss: number) {
    this.#seed = seed;
    this.town = new Town({ delayMs: 20, jitterMs: 100, loss, duplicate: 0.05, reorder: 0.1, reorderMs: 100 }, seed);
    this.random = new SeededRandom(seed * 77);
  }

  async run(): Promise<Record<string, number>> {
    const [alice, bob] = [await this.town.settle('alice', A), await this.town.settle('bob', B)];
    bob.on('invite', (call) => this.#answerer(call));
    for (let i = 0; i < CALLS; i++)
      this.#later(i * 300, () => {
        const isLate = this.#chance(0.2);
        const call: OutgoingInvite = alice.invite({
          uri: `sip:bob@${B}`,
          from: `<sip:alice@${A}>`,
          ...(!isLate && { body: offer() }),
          sessionExpiresS: this.#chance(0.5) ? 90 : 0,
          handler: this.#handler('caller', () => call, isLate),
        });
        if (this.#chance(0.2)) this.#later(this.#upTo(4000), () => call.cancel());
        // Nobody waits for ever.
        this.#later(100_000, () => void this.#wait(call.bye()));
      });
    await this.town.clock.run(60 * 60_000);
    return this.town.close();
  }

  #answerer(call: IncomingInvite): void {
    call.handler = this.#handler('callee', () => call, false);
    const isLate = call.request.body.length === 0;
    const body = isLate ? offer() : answer({ contentType: '', bytes: call.request.body });
    const early = this.#chance(0.4);
    const before = early ? this.#wait(call.progress(183, { body, reliable: 'ifSupported' })) : this.#wait(call.progress(180));
    const act = () => {
      if (call.state !== 'early') return;
      if (this.#chance(0.2)) call.reject(486);
      else void this.#wait(call.accept({ ...(!(early && call.request.supported.includes('100rel')) && { body }) }));
    };
    if (this.#chance(0.5)) this.#later(this.#upTo(3000), act);
    else void before.then(act);
    if (this.#chance(0.3)) this.#later(this.#upTo(5000), () => void this.#wait(call.bye()));
  }

  #handler(side: string, call: () => InviteUsage, isLate: boolean): InviteHandler {
    let hasEnded = false;
    let isAsked = false;
    const alive = (what: string) => {
      if (hasEnded) this.wrongs.push(`${this.#seed} ${side}: ${what} after the end`);
    };
    return {
      onProvisional: (_response, _id, body, reliable) => {
        alive('provisional');
        return isLate && body !== undefined && reliable === 'reliable' ? answer(body) : undefined;
      },
      onSuccess: (_response, _id, body) => {
        alive('success');
        this.#live(call());
        const reply = isLate && body !== undefined && words(body).startsWith('offer') ? answer(body) : undefined;
        return this.#chance(0.5) ? reply : new Promise((resolve) => this.#later(this.#upTo(500), () => resolve(reply)));
      },
      onAck: () => {
        alive('ack');
        this.#live(call());
      },
      onOffer: (_request, body) => {
        alive('offer');
        if (isAsked && body !== undefined) this.wrongs.push(`${this.#seed} ${side}: two offers at once`);
        isAsked ||= body !== undefined;
        const reply = this.#chance(0.1) ? { status: 488 } : { status: 200, body: body === undefined ? offer() : answer(body) };
        const done = <T>(value: T): T => {
          isAsked &&= body === undefined;
          return value;
        };
        if (_request.method === 'UPDATE') return done(body === undefined ? { status: 200 } : reply);
        if (this.#chance(0.6)) return done(reply);
        return new Promise((resolve) => this.#later(this.#upTo(1500), () => resolve(done(reply))));
      },
      onRequest: () => ({ status: 200 }),
      onRefer: (_request, subscription) => {
        alive('refer');
        this.#later(this.#upTo(500), () => subscription.notify(180));
        this.#later(this.#upTo(4000), () => subscription.notify(this.#chance(0.5) ? 200 : 486));
        return { status: 202 };
      },
      onEnd: () => {
        alive('end');
        hasEnded = true;
        this.ends++;
      },
    };
  }

  /** A life of a few moves. */
  #live(call: InviteUsage): void {
    for (let moves = this.random.uint32() % 6; moves > 0; moves--) this.#later(this.#upTo(8000), () => this.#move(call));
    if (this.#chance(0.7)) this.#later(this.#upTo(10_000), () => void this.#wait(call.bye()));
  }

  #move(call: InviteUsage): void {
    if (call.state !== 'confirmed') return;
    switch (this.random.uint32() % 6) {
      case 0: {
        const offered = offer();
        void this.#wait(call.reinvite({ body: offered }).then((outcome) => this.#check(outcome.response.status, offered, outcome.body)));
        break;
      }
      case 1:
        void this.#wait(call.reinvite().then((outcome) => outcome.ack(outcome.body && answer(outcome.body))));
        break;
      case 2: {
        const offered = offer();
        void this.#wait(call.update({ body: () => offered }).then(() => {}));
        break;
      }
      case 3:
        void this.#wait(call.info({ contentType: 'text/plain', body: 'x' }));
        break;
      case 4:
        void this.#wait(call.refer({ referTo: 'sip:carol@10.0.0.3', noSubscription: this.#chance(0.3) }).done);
        break;
      default:
        void this.#wait(call.send('MESSAGE', { contentType: 'text/plain', body: 'x' }));
    }
  }

  #check(status: number, offered: Body, answered: Body | undefined): void {
    if (status < 300 && words(answered) !== words(answer(offered)))
      this.wrongs.push(`${this.#seed}: ${words(answered)} to ${words(offered)}`);
  }

  async #wait(promise: Promise<unknown>): Promise<void> {
    this.pending++;
    await promise.catch(() => {});
    this.pending--;
  }

  #later(ms: number, task: () => void): void {
    this.town.clock.at(this.town.clock.now() + ms, task);
  }

  #chance(of: number): boolean {
    return this.random.fraction() < of;
  }

  #upTo(ms: number): number {
    return this.random.uint32() % ms;
  }
}

describe('random walks over calls on a bad network', () => {
  test.each(SEEDS)('seed %i: every call ends once on each side, every promise settles, nothing is left', async (seed) => {
    for (const loss of [0, 0.2]) {
      const walk = new Walk(seed, loss);
      const left = await walk.run();
      expect({ wrongs: walk.wrongs, pending: walk.pending, left }).toEqual({ wrongs: [], pending: 0, left: NOTHING_LEFT });
      // Callees that no INVITE reached have none.
      expect(walk.ends).toBeGreaterThanOrEqual(CALLS);
      expect(walk.ends).toBeLessThanOrEqual(2 * CALLS);
    }
  });
});
