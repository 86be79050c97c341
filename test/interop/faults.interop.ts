/** Faults with a real PBX at the other end: a rolling restart of two processes, one that is suspended for half a minute, and a PBX that dies and comes back. */
import { join } from 'node:path';
import { afterEach, describe, expect } from 'vitest';
import { closeAll, isEchoed, later } from '../faults/bots.js';
import { Child } from '../faults/process.js';
import { account, answered, as, dial, endOf, HERE, nextCall, peers, test } from './line.js';
import { asteriskCli, startAsterisk } from './peers/asterisk.js';
import { at, sleep, until } from './peers/process.js';

const peer = peers.asterisk!;
const isLong = process.env.SIPBOT_INTEROP_LONG === 'yes';

afterEach(closeAll);

/** A process of its own that is that user. */
function processOf(user: string, rtp: number): Child {
  const bot = {
    ...account(peer, user),
    register: true,
    listen: [{ transport: 'udp', host: HERE }],
    rtpHost: HERE,
    rtpPorts: [rtp, rtp + 99],
    threads: 1,
  };
  return new Child({ bot });
}

/** What is bound; the tables on the console cut the ports off. */
async function contacts(user: string): Promise<string[]> {
  const told = await asteriskCli(peer.folder, 'database show registrar');
  return told.split('\n').flatMap((line) => (line.includes(`/${user};`) ? (/"uri":"([^"]+)"/.exec(line)?.[1] ?? line) : []));
}

describe('Asterisk 22', { skip: peers.asterisk === undefined }, () => {
  test('a rolling restart of one account where one contact is allowed: no call in is missed, and the call that is up is not cut', {
    timeout: 120_000,
  }, async ({ bot }) => {
    const caller = await bot(as(peer, '6031'));
    const before = processOf('6010', 35_000);
    const port = await before.listening();
    await until('the first is registered', async () => (await contacts('6010')).some((contact) => contact.includes(`:${port}`)));
    const call = await dial(caller, peer, '76010');
    await before.says('answered');

    const after = processOf('6010', 35_200);
    const newPort = await after.listening();
    await until('the second took its place', async () => (await contacts('6010')).some((contact) => contact.includes(`:${newPort}`)));
    before.tell('stop 60000');
    await sleep(1000);
    expect(await contacts('6010')).toEqual([expect.stringContaining(`:${newPort}`)]);
    const next = await dial(caller, peer, '76010');
    await after.says('answered');
    expect(await isEchoed(next)).toBe(true);
    // What was up before is still up, in the process that drains.
    expect(await isEchoed(call)).toBe(true);
    await call.hangup();
    expect(await before.exited()).toBe(0);
    expect(await contacts('6010')).toEqual([expect.stringContaining(`:${newPort}`)]);
    await next.hangup();
    after.tell('stop 0');
    expect(await after.exited()).toBe(0);
    expect(await contacts('6010')).toEqual([]);
  });

  const seconds = isLong ? 30 : 5;
  test(`our process is suspended for ${seconds} s in a call: it goes on, both ways, and so does the registration`, {
    timeout: 150_000,
  }, async ({ bot }) => {
    const caller = await bot(as(peer, '6032'));
    const child = processOf('6033', 35_400);
    await child.listening();
    await child.says('registered');
    const call = await dial(caller, peer, '76033');
    expect(await isEchoed(call)).toBe(true);
    child.signal('SIGSTOP');
    await sleep(seconds * 1000);
    child.signal('SIGCONT');
    expect(await isEchoed(call)).toBe(true);
    await call.hangup();
    await child.says('ended');
    const next = await dial(caller, peer, '76033');
    expect(await isEchoed(next)).toBe(true);
    await next.hangup();
    expect(child.facts.filter((fact) => 'stray' in fact || 'registrationFailed' in fact)).toEqual([]);
  });

  test('the PBX is killed and started again: the call ends with a reason, and the account is registered again by itself', {
    timeout: 150_000,
  }, async ({ bot }) => {
    const folder = join(peers.work, 'asterisk-that-dies');
    const start = () => startAsterisk({ host: at(26), folder });
    let pbx = await start();
    later(() => pbx.stop());
    const one = await bot({
      ...{
        uri: `sip:6002@${at(26)}`,
        password: 'pw6002',
        registrar: `sip:${at(26)}:${pbx.port}`,
        outboundProxy: `sip:${at(26)}:${pbx.port};lr`,
      },
      ...{ expiresS: 20, mediaTimeoutMs: 3000 },
    });
    const registrations: string[] = [];
    one.on('registered', () => registrations.push('registered'));
    one.on('registrationFailed', () => registrations.push('failed'));
    const call = await one.dial(`sip:600@${at(26)}:${pbx.port}`);
    expect(await isEchoed(call)).toBe(true);
    const ended = endOf(call);
    process.kill(pbx.pid, 'SIGKILL');
    expect(await ended).toMatchObject({ reason: 'mediaTimeout', by: 'network' });
    await sleep(2000);
    pbx = await start();
    await until(
      'it is registered again',
      async () => one.stats().accounts[0]!.isRegistered && (await asteriskCli(folder, 'pjsip show aor 6002')).includes('sip:'),
      90_000,
    );
    const [out, into] = await Promise.all([one.dial(`sip:76002@${at(26)}:${pbx.port}`), answered(nextCall(one))]);
    expect([out.state, into.state]).toEqual(['answered', 'answered']);
    await out.hangup();
    expect(registrations.filter((word) => word === 'failed').length).toBeLessThanOrEqual(1);
  });
});
