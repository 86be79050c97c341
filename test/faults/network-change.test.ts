/** The machine moves to another network in the middle of a call. In namespaces: two hosts on one wire, one of which gets another address. */
import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, pause } from './bots.js';
import { Child, hasNamespaces } from './process.js';

afterEach(closeAll);

const everywhere = { listen: [{ transport: 'udp', host: '0.0.0.0' }], threads: 1, allow: ['10.0.0.0/8'] };

/** In the network of that process. */
const within = (pid: number): string[] => ['nsenter', '-t', String(pid), '-U', '--preserve-credentials', '-n'];

function run(command: readonly string[]): void {
  const { status, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}

async function heard(child: Child): Promise<number> {
  child.tell('stats');
  const { stats } = (await child.says('stats')) as unknown as { stats: { heard: number[] } };
  return stats.heard[0] ?? Number.NaN;
}

/** Packets go both ways. */
async function areTalking(...children: Child[]): Promise<void> {
  const before = await Promise.all(children.map(heard));
  for (let i = 0; i < 100; i++) {
    await pause(200);
    const now = await Promise.all(children.map(heard));
    if (now.every((count, at) => count > before[at]! + 20)) return;
  }
  throw new Error('they do not hear each other');
}

describe.skipIf(!hasNamespaces)('another address in the middle of a call (skipped where the system gives no namespaces)', () => {
  test('the far end is told by a re-INVITE: both hear each other, and its BYE finds us', { timeout: 120_000 }, async () => {
    const setup = 'ip link set lo up; ip link add v0 type veth peer name v1; ip addr add 10.77.0.1/24 dev v0; ip link set v0 up';
    const there = new Child({ bot: everywhere, wrapper: ['unshare', '-rn', 'sh', '-c', `${setup}; exec "$@"`, 'sh'] });
    const port = await there.listening();
    const arrive =
      'ip link set lo up; until ip link show v1 >/dev/null 2>&1; do sleep 0.05; done; ip addr add 10.77.0.2/24 dev v1; ip link set v1 up';
    const here = new Child({ bot: everywhere, wrapper: [...within(there.pid), 'unshare', '-n', 'sh', '-c', `${arrive}; exec "$@"`, 'sh'] });
    await pause(300);
    run([...within(there.pid), 'ip', 'link', 'set', 'v1', 'netns', String(here.pid)]);
    await here.listening();

    here.tell(`dial sip:x@10.77.0.1:${port}`);
    await here.says('dialled');
    await areTalking(here, there);
    run([...within(here.pid), 'sh', '-c', 'ip addr del 10.77.0.2/24 dev v1 && ip addr add 10.77.0.3/24 dev v1']);
    // What it is told: where our media and our signalling are now.
    await there.says('invited');
    expect(await there.says('invited', 20_000)).toEqual({
      invited: '10.77.0.3',
      contact: expect.stringContaining('@10.77.0.3:'),
      media: expect.stringContaining('IN IP4 10.77.0.3'),
    });
    await areTalking(here, there);
    there.tell('hangup');
    expect((await here.says('ended', 5000)).ended).toMatchObject({ reason: 'hangup', by: 'remote' });
  });
});
