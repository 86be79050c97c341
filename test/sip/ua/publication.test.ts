import { describe, expect, test } from 'vitest';
import type { IncomingRequest } from '../../../src/sip/ua/incoming-request.js';
import { Publication } from '../../../src/sip/ua/publication.js';
import { NOTHING_LEFT, Town, within } from './two-agents.js';

const A = '10.0.0.1';
const B = '10.0.0.2';
const state = (text: string) => ({ contentType: 'application/pidf+xml', bytes: new TextEncoder().encode(text) });

/** An event state compositor (RFC 3903 §6) as far as one publisher needs it. */
async function compositor(grantS = 100) {
  const town = new Town();
  const alice = await town.settle('alice', A);
  const server = await town.settle('server', B);
  const log: string[] = [];
  let tags = 0;
  const answer: { next: ((incoming: IncomingRequest) => boolean) | undefined } = { next: undefined };
  server.handle('PUBLISH', (incoming) => {
    const { request } = incoming;
    log.push(`${town.clock.now() / 1000} ${request.header('Expires')} ${request.sipIfMatch ?? '-'} ${request.bodyText || '-'}`);
    if (answer.next?.(incoming)) return;
    incoming.reply(200, {
      headers: [
        ['SIP-ETag', `t${++tags}`],
        ['Expires', request.header('Expires') === '0' ? '0' : String(grantS)],
      ],
    });
  });
  const publication = new Publication(alice, { uri: `sip:alice@${B}`, event: 'presence' });
  return { town, alice, publication, log, answer };
}

describe('publishing, RFC 3903', () => {
  test('§4.1–4.5 published, refreshed without a body before it expires, changed under its tag, removed', async () => {
    const { town, publication, log } = await compositor();
    const granted: number[] = [];
    publication.on('published', (expiresS) => granted.push(expiresS));
    await within(town, publication.publish(state('open')));
    await town.clock.run(185_000);
    await within(town, publication.publish(state('closed')));
    await within(town, publication.remove());
    expect(log).toEqual(['0.01 3600 - open', '90.03 3600 t1 -', '180.05 3600 t2 -', '185.03 3600 t3 closed', '185.05 0 t4 -']);
    expect([granted, publication.state]).toEqual([[100, 100, 100, 100], 'ended']);
    await expect(publication.publish(state('x'))).rejects.toMatchObject({ code: 'ERR_STATE' });
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('§4.1 one at a time: what is asked for meanwhile waits', async () => {
    const { town, publication, log } = await compositor();
    await within(town, Promise.all([publication.publish(state('1')), publication.publish(state('2')), publication.remove()]));
    expect(log.map((line) => line.split(' ').slice(1).join(' '))).toEqual(['3600 - 1', '3600 t1 2', '0 t2 -']);
  });

  test('§4.3 a tag the server has forgotten: published anew, whole', async () => {
    const { town, publication, log, answer } = await compositor();
    await within(town, publication.publish(state('open')));
    answer.next = (incoming) => {
      answer.next = undefined;
      incoming.reply(412);
      return true;
    };
    await town.clock.run(95_000);
    expect(log.slice(1)).toEqual(['90.03 3600 t1 -', '90.05 3600 - open']);
    expect(publication.state).toBe('published');
    await within(town, publication.remove());
  });

  test('§4.2 an interval too brief: asked again with what the server wants', async () => {
    const { town, publication, log, answer } = await compositor();
    answer.next = (incoming) => {
      if (Number(incoming.request.header('Expires')) >= 7200) return false;
      incoming.reply(423, { headers: [['Min-Expires', '7200']] });
      return true;
    };
    await within(town, publication.publish(state('open')));
    expect(log.map((line) => line.split(' ')[1])).toEqual(['3600', '7200']);
    await within(town, publication.remove());
  });

  test('a refusal rejects; a server that forgets its manners is not asked for ever', async () => {
    const { town, publication, log, answer } = await compositor();
    answer.next = (incoming) => {
      incoming.reply(489);
      return true;
    };
    await expect(within(town, publication.publish(state('open')))).rejects.toMatchObject({ status: 489 });
    let wanted = 10_000;
    answer.next = (incoming) => {
      wanted += 1000;
      incoming.reply(423, { headers: [['Min-Expires', String(wanted)]] });
      return true;
    };
    await expect(within(town, publication.publish(state('open')))).rejects.toMatchObject({ status: 423 });
    expect(log.length).toBe(5);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('a refresh that fails is tried again, later each time, and heals', async () => {
    const { town, publication, answer } = await compositor();
    await within(town, publication.publish(state('open')));
    const waits: number[] = [];
    publication.on('failed', (response, retryInMs) => waits.push(response.status, Math.round(retryInMs / 1000)));
    answer.next = (incoming) => {
      incoming.reply(500, waits.length === 4 ? { headers: [['Retry-After', '60']] } : {});
      return true;
    };
    await town.clock.run(130_000);
    expect(publication.state).toBe('failing');
    answer.next = undefined;
    await town.clock.run(200_000);
    expect(publication.state).toBe('published');
    expect(waits.filter((_, i) => i % 2 === 0)).toEqual([500, 500, 500]);
    const [first, second, third] = waits.filter((_, i) => i % 2 === 1) as [number, number, number];
    expect([first >= 2 && first <= 5, second >= 5 && second <= 10, third]).toEqual([true, true, 60]);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('an agent that closes ends its publications: no timer is left', async () => {
    const { town, publication } = await compositor();
    await within(town, publication.publish(state('open')));
    expect(await town.close()).toEqual(NOTHING_LEFT);
    expect(publication.state).toBe('ended');
    await town.clock.run(500_000);
  });
});
