import { describe, expect, test } from 'vitest';
import { type Page, receivePages, sendPage } from '../../../src/sip/ua/page.js';
import { NOTHING_LEFT, Town, within } from './two-agents.js';

const A = '10.0.0.1';
const B = '10.0.0.2';

describe('pages, RFC 3428', () => {
  test('§4, §7 text across, in any script; 200 without a body, neither side says Contact', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    const pages: Page[] = [];
    receivePages(bob, (page) => void pages.push(page));
    await within(town, sendPage(alice, `sip:bob@${B}`, 'Grüße, 你好 👋', { from: '"Alice" <sip:alice@a.example>' }));
    expect(pages.map(({ text, contentType, from }) => [text, contentType, from.displayName])).toEqual([
      ['Grüße, 你好 👋', 'text/plain', 'Alice'],
    ]);
    expect([pages[0]!.request.has('Contact'), pages[0]!.request.header('Content-Type')]).toEqual([false, 'text/plain;charset=UTF-8']);
    await expect(sendPage(alice, `sip:bob@${B}`, 'x', { headers: [['Contact', '<sip:a>']] })).rejects.toMatchObject({ code: 'ERR_OPTION' });
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('a refusal, a silence and a type that is not taken reject with status and code', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    receivePages(bob, () => {
      throw new Error('boom');
    });
    const page = (uri: string, contentType?: string) =>
      within(town, sendPage(alice, uri, 'x', contentType === undefined ? {} : { contentType }));
    await expect(page(`sip:${B}`)).rejects.toMatchObject({ code: 'ERR_REQUEST', status: 500 });
    await expect(page(`sip:${B}`, 'text/html')).rejects.toMatchObject({ code: 'ERR_REQUEST', status: 415 });
    await expect(page('sip:10.0.0.77')).rejects.toMatchObject({ code: 'ERR_TIMEOUT', status: 408 });
    await expect(page('sip:10.0.0.77;transport=tcp')).rejects.toMatchObject({ code: 'ERR_TRANSPORT', status: 503 });
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });
});
