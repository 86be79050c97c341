/**
 * The attack run in short: what is exact whatever else the machine does. No call is lost, no packet but of the call that is shot at, whoever guesses is
 * banned before he finds anything, and memory stays where it was. How late packets are is told by `npm run test:attack`, alone on a machine.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Row, Siege } from '../attack/siege.js';
import { CALLS } from '../attack/wire.js';
import { tellFigures } from './figures.js';
import { peers } from './line.js';

const siege = new Siege({ seconds: 1, warmMs: 1500 });
beforeAll(() => siege.begin());
afterAll(() => siege.end());

async function suffer(name: string): Promise<Row> {
  const row = await siege.suffer(siege.attacks.find((attack) => attack.name === name)!);
  expect(row.said === '' ? row.wrong : { wrong: row.wrong, said: row.said }).toEqual(row.said === '' ? [] : { wrong: [], said: row.said });
  expect([row.after.calls, row.callers.calls, row.after.ended]).toEqual([CALLS, CALLS, []]);
  return row;
}

describe.skipIf(!peers.sipvicious)('SIPVicious', () => {
  test('svmap: fifty calls up, and it finds nobody there', () => suffer('svmap'));

  test('svcrack in disguise: ten passwords, and a ban', async ({ task }) => {
    const { before, after } = await suffer('svcrack, disguised');
    expect(after.guard.authFailures - before.guard.authFailures).toBe(10);
    tellFigures(task, { 'not looked at after the ban': after.guard.shutOut - before.guard.shutOut });
  });
});

describe.skipIf(!peers.sipp36)('SIPp', () => {
  test.each(['SIPp INVITE', 'SIPp malformed'])('%s: a flood is banned, and fifty calls go on', async (name) => {
    const { before, after } = await suffer(name);
    expect(after.transactions).toBe(before.transactions);
    expect(after.guard.shutOut).toBeGreaterThan(before.guard.shutOut);
  });
});

describe('raw sockets', () => {
  test('slow-loris: connections are bounded', async () => {
    const { after } = await suffer('slow-loris TCP');
    expect(after.connections).toBeGreaterThan(0);
  });

  test.each(['RTP at a call', 'tiny and giant packets', 'lies in RTCP'])('%s: the others miss nothing', async (name) => {
    const { before, after } = await suffer(name);
    expect(after.lostElsewhere).toBe(before.lostElsewhere);
  });
});
