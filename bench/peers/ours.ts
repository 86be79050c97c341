/** `answerer.ts` in a process of its own, as users would run it: one file, their Node. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { bundle } from '../bundle.js';
import { CALLEE_CORE, on } from '../load/machine.js';
import type { Role } from './answerer.js';
import { HOST, type OwnFigures, type Peer } from './peer.js';

const PORT = 5070;
let program: Promise<string> | undefined;

export interface OurOptions extends Omit<Role, 'host' | 'port'> {
  readonly name: string;
  readonly nodeFlags?: readonly string[];
}

export async function startOurs({ name, nodeFlags = [], ...role }: OurOptions): Promise<Peer> {
  program ??= bundle('peers/answerer.ts');
  const argument = JSON.stringify({ ...role, host: HOST, port: PORT } satisfies Role);
  const command = [...on(CALLEE_CORE), process.execPath, ...nodeFlags, await program, argument];
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  await once(child.stdout!, 'data');
  const ownFigures = async (): Promise<OwnFigures> => {
    child.send('figures');
    return ((await once(child, 'message')) as [OwnFigures])[0];
  };
  return {
    name,
    version: `Node ${process.version}`,
    pid: child.pid!,
    callee: { host: HOST, port: PORT, user: 'bench', from: 'caller' },
    ...(role.as === 'echo' && { ownFigures }),
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
