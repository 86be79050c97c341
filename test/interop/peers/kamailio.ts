/** Kamailio as registrar and record-routing proxy: users 700N / pw700N, domain sip.test. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from './asterisk.js';
import { inNamespace } from './nat.js';
import { end, has, here, launch, type Peer, tail, until } from './process.js';

export interface Kamailio extends Peer {
  readonly host: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly wsPort: number;
  readonly caFile: string;
  cli(...command: string[]): string;
}

export function kamailioInstalled(): boolean {
  return has('kamailio');
}

export async function startKamailio(options: {
  readonly host: string;
  readonly folder: string;
  readonly port?: number;
  readonly digest?: 'MD5' | 'SHA-256';
  /** The network namespace it lives in. @default ours */
  readonly namespace?: string;
  /** Whom calls of its users to numbers of three digits go to. */
  readonly exchange?: string;
}): Promise<Kamailio> {
  const { host, folder, exchange = '' } = options;
  const port = options.port ?? 5060;
  const [tlsPort, wsPort] = [port + 1, port + 20];
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, 'ctl'), { force: true });
  const caFile = makeCertificates(folder, host);
  const config = join(folder, 'kamailio.cfg');
  const fill: Record<string, string> = {
    RUN: folder,
    HOST: host,
    PORT: String(port),
    TLSPORT: String(tlsPort),
    WSPORT: String(wsPort),
    EXCHANGE: exchange,
  };
  writeFileSync(
    config,
    readFileSync(join(here, 'kamailio/registrar.cfg'), 'utf8').replace(/@([A-Z]+)@/g, (whole, key: string) => fill[key] ?? whole),
  );
  const defines = [
    '-A',
    'WITH_TLS',
    ...(options.digest === 'SHA-256' ? ['-A', 'WITH_SHA256'] : []),
    ...(exchange === '' ? [] : ['-A', 'WITH_EXCHANGE']),
  ];
  const args = ['-f', config, ...defines, '-Y', folder, '-P', join(folder, 'pid'), '-m', '64', '-M', '8', '-DD', '-E'];
  const { child, log } = launch(...inNamespace(options.namespace, 'kamailio', args), folder);
  try {
    await until('kamailio starts', () => existsSync(join(folder, 'ctl')));
  } catch (error) {
    await end(child, 'SIGKILL');
    throw new Error(`${(error as Error).message}\n${tail(log)}`);
  }
  const version = /kamailio ([0-9.]+)/.exec(execFileSync('kamailio', ['-v'], { encoding: 'utf8' }))?.[1] ?? '?';
  const cli = (...command: string[]): string =>
    spawnSync('kamcmd', ['-s', `unix:${join(folder, 'ctl')}`, ...command], { encoding: 'utf8', timeout: 5000 }).stdout ?? '';
  return { name: 'kamailio', version, pid: child.pid!, folder, host, port, tlsPort, wsPort, caFile, cli, stop: () => end(child) };
}
