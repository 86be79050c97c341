/**
 * A router that changes ports, in network namespaces: this process is at home behind it, peers that are started `outside` see its address.
 *
 *   home 192.168.(200+n).0/24  ->  router (masquerade, ports at random, one for each destination)  ->  outside 203.0.113.(16n)/28
 */
import { spawnSync } from 'node:child_process';
import { at, has } from './process.js';

export interface Nat {
  /** Another address of ours, behind the router. */
  moveIn(): string;
  /** Its address outside, which is ours to those there. */
  readonly router: string;
  /** The namespace of those outside. */
  readonly outside: string;
  /** How long it keeps a port for a flow in which nothing goes by. */
  readonly remembersMs: number;
  /** An address there: 2 to 13. */
  outsideAt(host: number): string;
  /** Whatever the router knew of that address of ours it knows no more, as after a restart: each flow gets another port with its next packet. */
  forget(home: string): void;
  close(): void;
}

const REMEMBERS_S = 30;
const NAME = /^sipbot-(\d+)-\w+$/;

/** Why there can be no NAT here; undefined where it can be had. */
export function whyNoNat(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (!['ip', 'nft', 'conntrack', 'nsenter'].every(has)) return 'needs iproute2, nftables, conntrack and nsenter';
  try {
    openNat().close();
    return undefined;
  } catch (error) {
    return `network namespaces are not to be had here (${(error as Error).message.split('\n')[0]})`;
  }
}

/** A command as it must be for it to run in that namespace; it keeps its process. */
export function inNamespace(namespace: string | undefined, command: string, args: readonly string[]): [command: string, args: string[]] {
  return namespace === undefined ? [command, [...args]] : ['nsenter', [`--net=/run/netns/${namespace}`, command, ...args]];
}

export function openNat(): Nat {
  removeLeftovers();
  // The run has a /24 of the loopback for itself, so the number of it is nobody else's either.
  const n = Number(at(1).split('.')[2]) % 13;
  const homeAt = (host: number): string => `192.168.${200 + n}.${host}`;
  const outsideAt = (host: number): string => `203.0.113.${16 * n + host}`;
  const [router, outside] = [`sipbot-${process.pid}-router`, `sipbot-${process.pid}-outside`];
  const ours = `sipbot${process.pid}`;
  const inRouter = (command: string, ...args: string[]): void => run(...inNamespace(router, command, args));
  const close = (): void => {
    // With the namespaces go their ends of the wires, and so ours.
    for (const name of [router, outside]) spawnSync('ip', ['netns', 'del', name]);
    spawnSync('ip', ['link', 'del', ours]);
  };
  try {
    for (const name of [router, outside]) {
      run('ip', ['netns', 'add', name]);
      run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
    run('ip', ['link', 'add', ours, 'type', 'veth', 'peer', 'name', 'inner', 'netns', router]);
    run('ip', ['link', 'add', 'outer', 'netns', router, 'type', 'veth', 'peer', 'name', 'wire', 'netns', outside]);
    run('ip', ['addr', 'add', `${homeAt(2)}/24`, 'dev', ours]);
    run('ip', ['-n', router, 'addr', 'add', `${homeAt(1)}/24`, 'dev', 'inner']);
    run('ip', ['-n', router, 'addr', 'add', `${outsideAt(1)}/28`, 'dev', 'outer']);
    for (let host = 2; host < 14; host++) run('ip', ['-n', outside, 'addr', 'add', `${outsideAt(host)}/28`, 'dev', 'wire']);
    run('ip', ['link', 'set', ours, 'up']);
    for (const [name, device] of [
      [router, 'inner'],
      [router, 'outer'],
      [outside, 'wire'],
    ] as const)
      run('ip', ['-n', name, 'link', 'set', device, 'up']);
    run('ip', ['route', 'add', `203.0.113.${16 * n}/28`, 'via', homeAt(1)]);
    inRouter('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    // RFC 4787 REQ-5 asks for two minutes; many a router at home takes half of one.
    for (const which of ['udp_timeout', 'udp_timeout_stream'])
      inRouter('sysctl', '-qw', `net.netfilter.nf_conntrack_${which}=${REMEMBERS_S}`);
    inRouter('nft', 'add table ip nat');
    inRouter('nft', 'add chain ip nat out { type nat hook postrouting priority 100; }');
    inRouter('nft', 'add rule ip nat out oifname outer masquerade fully-random');
  } catch (error) {
    close();
    throw error;
  }
  let last = 2;
  const moveIn = (): string => {
    const home = homeAt(++last);
    run('ip', ['addr', 'add', `${home}/24`, 'dev', ours]);
    return home;
  };
  const forget = (home: string): void => inRouter('conntrack', '--delete', '--orig-src', home);
  return { moveIn, router: outsideAt(1), outside, remembersMs: 1000 * REMEMBERS_S, outsideAt, forget, close };
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/** Of runs that were killed. */
function removeLeftovers(): void {
  const names = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout?.split(/\s+/) ?? [];
  for (const name of names) {
    const pid = Number(NAME.exec(name)?.[1] ?? 0);
    if (pid !== 0 && !isRunning(pid)) spawnSync('ip', ['netns', 'del', name]);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
