/** A thousand calls over a network that loses a third of everything, delays, doubles and reorders the rest: each ends as it must, and nothing is left. */
import { describe, expect, test } from 'vitest';
import type { SipResponse } from '../../../src/sip/message/message.js';
import type { IncomingInvite } from '../../../src/sip/ua/invite-incoming.js';
import type { InviteEnd } from '../../../src/sip/ua/invite-usage.js';
import { isLocal } from '../../../src/sip/ua/local-response.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { NOTHING_LEFT, Town } from './two-agents.js';

const A = '10.0.0.1';
const B = '10.0.0.2';
const CALLS = 1000;
const SEEDS = Array.from({ length: Number(process.env['SIPBOT_BAD_NETWORK_SEEDS'] ?? 3) }, (_, i) => i + 1);

/** What the two sides mean to do; the caller says it in the Request-URI. */
const PLANS = {
  'answered, caller hangs up': [],
  'answered, callee hangs up': [],
  'answered, both hang up': [],
  'answered after a reliable ringing': [],
  'answered, put on hold and taken back': [],
  refused: [486],
  'answered at once, cancelled as it happens': [487],
  'cancelled while it rings': [487],
  'nobody decides': [487],
} satisfies Record<string, readonly number[]>;
type Plan = keyof typeof PLANS;
const PLAN_NAMES = Object.keys(PLANS) as Plan[];

interface Record1 {
  readonly plan: Plan;
  /** In the order they came. */
  readonly caller: string[];
  readonly callee: string[];
}

const sdp = { contentType: 'application/sdp', bytes: new TextEncoder().encode('v=0\r\n') };

async function callEachOther(seed: number): Promise<{ town: Town; records: Record1[] }> {
  const town = new Town({ delayMs: 20, jitterMs: 200, loss: 0.3, duplicate: 0.1, reorder: 0.2, reorderMs: 150 }, seed);
  const random = new SeededRandom(seed);
  const alice = await town.settle('alice', A);
  const bob = await town.settle('bob', B);
  const records: Record1[] = [];
  const later = (ms: number, task: () => void) => void town.clock.at(town.clock.now() + ms, task);
  const ended = (log: string[]) => (end: InviteEnd) => void log.push(`end ${end.by}`);

  bob.on('invite', (call: IncomingInvite) => {
    const { plan, callee } = records[Number(call.request.uri.user)]!;
    const answer = () =>
      call.accept({ body: sdp }).then(
        () => void callee.push('acked'),
        (error: { status: number }) => void callee.push(`not acked ${error.status}`),
      );
    call.handler = { onEnd: ended(callee), onOffer: () => ({ status: 200, body: sdp }) };
    callee.push('invite');
    // Where no provisional of ours gets through, no CANCEL may come (§9.1): how long a phone rings is its owner's to say.
    later(120_000, () => {
      if (call.state === 'early') call.reject(480);
    });
    switch (plan) {
      case 'refused':
        call.reject(486);
        break;
      case 'answered at once, cancelled as it happens':
        void answer();
        break;
      case 'cancelled while it rings':
      case 'nobody decides':
        void call.progress(180);
        break;
      case 'answered after a reliable ringing':
        void call.progress(183, { body: sdp, reliable: 'always' }).then(answer, () => {});
        break;
      case 'answered, callee hangs up':
      case 'answered, both hang up':
        void call.progress(180);
        later(1000, () => {
          if (call.state === 'early') void answer().then(() => later(8000, () => void call.bye()));
        });
        break;
      default:
        void call.progress(180);
        later(1000, () => {
          if (call.state === 'early') void answer();
        });
    }
  });

  for (let i = 0; i < CALLS; i++) {
    const plan = PLAN_NAMES[random.uint32() % PLAN_NAMES.length]!;
    const caller: string[] = [];
    records.push({ plan, caller, callee: [] });
    later(i * 50, () => {
      const call = alice.invite({
        uri: `sip:${i}@${B}`,
        from: `<sip:alice@${A}>`,
        body: sdp,
        handler: {
          onEnd: ended(caller),
          onFailure: (response: SipResponse) => void caller.push(`failed ${response.status}${isLocal(response) ? ' local' : ''}`),
          onSuccess: () => {
            caller.push('answered');
            if (plan === 'answered, put on hold and taken back')
              later(500, () => {
                const again = () => call.reinvite({ body: sdp }).then(({ response }) => void caller.push(`re-INVITE ${response.status}`));
                again()
                  .then(again)
                  .catch(() => caller.push('re-INVITE too late'))
                  .finally(() => void call.bye());
              });
            else if (plan === 'answered, both hang up') later(8000, () => void call.bye());
            else if (plan !== 'answered, callee hangs up') later(3000, () => void call.bye());
            return undefined;
          },
        },
      });
      if (plan === 'answered at once, cancelled as it happens') later(100, () => call.cancel());
      if (plan === 'cancelled while it rings') later(2500, () => call.cancel());
      if (plan === 'nobody decides') later(60_000, () => call.cancel());
    });
  }
  await town.clock.run(CALLS * 50 + 60_000 + 200_000);
  return { town, records };
}

describe('30 % loss, 200 ms jitter, duplicates, reordering', () => {
  test.each(SEEDS)(
    `${CALLS} calls, seed %i: each side is told how its call came out, and once that it ended; then every table is empty`,
    async (seed) => {
      const { town, records } = await callEachOther(seed);
      let answered = 0;
      let answerable = 0;
      for (const [i, { plan, caller, callee }] of records.entries()) {
        const story = `call ${i}, ${plan}: caller ${caller.join(', ')}; callee ${callee.join(', ')}`;
        const outcomes = caller.filter((line) => line === 'answered' || line.startsWith('failed'));
        // A 200 that crossed our CANCEL is acknowledged and released, and is no answer any more.
        const isCrossed = outcomes.length === 0 && /cancelled/.test(plan) && caller[0] === 'end local' && callee.includes('invite');
        expect(outcomes.length, story).toBe(isCrossed ? 0 : 1);
        expect(caller.filter((line) => line.startsWith('end')).length, story).toBe(1);
        expect(caller.at(-1), story).toMatch(/^end/);
        // A call that never arrived was never told of; one that did, was told to end.
        expect(callee.filter((line) => line.startsWith('end')).length, story).toBe(callee.includes('invite') ? 1 : 0);
        const [outcome] = outcomes;
        const wanted: readonly number[] = PLANS[plan];
        if (wanted.length === 0) answerable++;
        if (outcome === undefined) continue;
        if (outcome === 'answered') {
          answered++;
          expect(plan, story).toMatch(/^answered/);
          expect(callee, story).toContain('invite');
          expect(caller.at(-1), story).toMatch(/end (local|remote|timeout)/);
        } else {
          const status = Number(outcome.split(' ')[1]);
          // A refusal that was meant, or silence: seven INVITEs lost, no answer to the eleventh BYE, a PRACK that never came through.
          const unlucky = [408, 487, 504].includes(status) || (status === 500 && plan === 'answered after a reliable ringing');
          expect(wanted.includes(status) || unlucky, story).toBe(true);
        }
      }
      expect(answerable).toBeGreaterThan(400);
      expect(answered / answerable).toBeGreaterThan(0.98);
      // Not because they are closed: by themselves, everything has come to its end.
      for (const agent of town.agents) {
        const { transactions, dialogs, requests, timers } = agent.stats();
        expect({ servers: transactions.servers, clients: transactions.clients, dialogs, requests, timers }).toEqual({
          servers: 0,
          clients: 0,
          dialogs: 0,
          requests: 0,
          timers: 0,
        });
      }
      expect(town.clock.pending).toBe(0);
      expect(await town.close()).toEqual(NOTHING_LEFT);
    },
    120_000,
  );
});
