/** The caller of `bench cps` and `bench growth`: `callload`, one C file with kernel time stamps, on a core of its own. SIPBOT_CALLLOAD says where it is. */
import { spawn } from 'node:child_process';
import { HOST, type Target } from './targets.js';

const CALLER_CORE = '1';

/** What callload says in its JSON, as far as it is used here. */
interface Said {
  readonly tried: number;
  readonly clean: number;
  readonly rtx_invite: number;
  readonly rtx_bye: number;
  readonly again_200: number;
  readonly setup_ms: { readonly p50: number; readonly p99: number };
  readonly cpu: { readonly target_ms_per_call_whole_run: number };
  readonly snapshots: readonly { readonly rss_kb: number }[];
}

export interface Calls {
  readonly tried: number;
  readonly failed: number;
  /** INVITE, BYE and 200 that had to be sent again. */
  readonly resent: number;
  readonly cpuMsPerCall: number;
  readonly setupP50: number;
  readonly setupP99: number;
  readonly rssMb: number;
}

export function callloadPath(): string {
  const path = process.env['SIPBOT_CALLLOAD'];
  if (path !== undefined) return path;
  console.log('skipped: SIPBOT_CALLLOAD does not say where callload is');
  process.exit(0);
}

/** Places `count` calls, `perSecond` of them a second, each hung up as soon as it stands. */
export async function placeCalls(callload: string, target: Target, count: number, perSecond: number): Promise<Calls> {
  const args = [`${HOST}:${target.port}`, ...target.arguments, '--signalling-only', '--count', String(count), '--cps', String(perSecond)];
  const child = spawn('chrt', ['-f', '1', callload, ...args, '--pid', String(target.pid), '--cpu', CALLER_CORE, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  // It ends with 1 when not every call came out well; the figures say which.
  const said = JSON.parse(out) as Said;
  return {
    tried: said.tried,
    failed: said.tried - said.clean,
    resent: said.rtx_invite + said.rtx_bye + said.again_200,
    cpuMsPerCall: said.cpu.target_ms_per_call_whole_run,
    setupP50: said.setup_ms.p50,
    setupP99: said.setup_ms.p99,
    rssMb: Math.round(said.snapshots.at(-1)!.rss_kb / 1000),
  };
}
