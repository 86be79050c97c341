/** Asterisk 22 (PJSIP) out of its unpacked folder: users 600N / pw600N, extensions as in asterisk/extensions.conf. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNamespace } from './nat.js';
import { cache, end, here, launch, type Peer, tail, until } from './process.js';

export interface Asterisk extends Peer {
  readonly host: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly wsPort: number;
  readonly wssPort: number;
  readonly caFile: string;
  /** One command line of its console; what it prints. */
  cli(command: string): string;
}

const root = join(cache, 'asterisk');

export function asteriskInstalled(): boolean {
  return existsSync(join(root, 'usr/sbin/asterisk'));
}

export async function startAsterisk(options: {
  readonly host: string;
  readonly folder: string;
  readonly port?: number;
  /** Two for each call. @default [30000, 31998] */
  readonly rtpPorts?: readonly [number, number];
  /** The network namespace it lives in. @default ours */
  readonly namespace?: string;
  /** A proxy that may call and be called without a word: `Dial(PJSIP/NNNN@proxy)`. */
  readonly proxy?: string;
}): Promise<Asterisk> {
  const { host, folder, proxy, rtpPorts = [30_000, 31_998] } = options;
  const port = options.port ?? 5060;
  const ports = { tlsPort: port + 1, wsPort: port + 28, wssPort: port + 29 };
  const sounds = join(root, 'usr/share/asterisk/sounds/en');
  if (!existsSync(sounds)) {
    rmSync(sounds, { force: true });
    symlinkSync('en_US_f_Allison', sounds);
  }
  for (const part of ['etc', 'log/cdr-csv', 'var/keys', 'var/db', 'var/cache', 'spool', 'run', 'keys', 'rec']) {
    mkdirSync(join(folder, part), { recursive: true });
  }
  const caFile = makeCertificates(join(folder, 'keys'), host);

  const fill: Record<string, string> = {
    HOST: host,
    PORT: String(port),
    TLSPORT: String(ports.tlsPort),
    WSPORT: String(ports.wsPort),
    WSSPORT: String(ports.wssPort),
    AMIPORT: String(port + 30),
    RTPSTART: String(rtpPorts[0]),
    RTPEND: String(rtpPorts[1]),
    DIR: folder,
    SOUNDS: sounds,
    PROXY: proxy ?? '',
  };
  const filled = (name: string): string =>
    readFileSync(join(here, 'asterisk', name), 'utf8').replace(/@([A-Z]+)@/g, (whole, key: string) => fill[key] ?? whole);
  for (const name of readdirSync(join(here, 'asterisk'))) writeFileSync(join(folder, 'etc', name), filled(name));
  const knowsSha256 = readFileSync(join(root, 'usr/share/asterisk/documentation/core-en_US.xml'), 'utf8').includes(
    'supported_algorithms_uas',
  );
  const parts = ['pjsip.conf', ...(knowsSha256 ? ['pjsip-sha256.conf'] : []), ...(proxy === undefined ? [] : ['pjsip-proxy.conf'])];
  writeFileSync(join(folder, 'etc/pjsip.conf'), parts.map(filled).join('\n'));
  for (const name of [
    'indications',
    'features',
    'stasis',
    'cli_aliases',
    'udptl',
    'codecs',
    'pjproject',
    'cdr',
    'cel',
    'ccss',
    'sorcery',
    'dsp',
  ]) {
    const stock = join(root, 'etc/asterisk', `${name}.conf`);
    if (existsSync(stock)) copyFileSync(stock, join(folder, 'etc', `${name}.conf`));
  }
  const modules = execFileSync('find', [join(root, 'usr/lib'), '-name', 'res_pjsip.so'], { encoding: 'utf8' }).split('\n')[0]!;
  writeFileSync(
    join(folder, 'etc/asterisk.conf'),
    [
      '[directories]',
      `astetcdir => ${folder}/etc`,
      `astmoddir => ${join(modules, '..')}`,
      `astvarlibdir => ${folder}/var`,
      `astcachedir => ${folder}/var/cache`,
      `astdbdir => ${folder}/var/db`,
      `astkeydir => ${folder}/var`,
      `astdatadir => ${root}/usr/share/asterisk`,
      `astagidir => ${folder}/var`,
      `astspooldir => ${folder}/spool`,
      `astrundir => ${folder}/run`,
      `astlogdir => ${folder}/log`,
      `astsbindir => ${root}/usr/sbin`,
      '[options]',
      'verbose = 3',
      '',
    ].join('\n'),
  );

  const [loader, program] = programOf(folder);
  const cli = (command: string): string =>
    spawnSync(loader, [...program, '-rx', command], { encoding: 'utf8', timeout: 10_000 }).stdout ?? '';
  const { child, log } = launch(...inNamespace(options.namespace, loader, [...program, '-f']), folder, 'log/console');
  try {
    await until('asterisk boots', () => cli('core waitfullybooted').includes('fully booted'), 30_000);
  } catch (error) {
    await end(child, 'SIGKILL');
    throw new Error(`${(error as Error).message}\n${tail(log)}`);
  }
  const version = /Asterisk ([0-9.]+)/.exec(cli('core show version'))?.[1] ?? '?';
  const stop = async (): Promise<void> => {
    cli('core stop now');
    await end(child);
  };
  return { name: 'asterisk', version, pid: child.pid!, folder, host, port, ...ports, caFile, cli, stop };
}

/** Run by its own loader and libraries: nothing of it is installed on the host. */
function programOf(folder: string): [loader: string, args: string[]] {
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
  const path = `${libraries}:${join(root, 'usr/lib')}`;
  const args = ['--library-path', path, join(root, 'usr/sbin/asterisk'), '-C', join(folder, 'etc/asterisk.conf')];
  return [join(libraries, 'ld-linux-x86-64.so.2'), args];
}

/** One command line of the console of the Asterisk that runs in that folder; what it prints. */
export function asteriskCli(folder: string, command: string): Promise<string> {
  const [loader, program] = programOf(folder);
  return new Promise((resolve, reject) => {
    execFile(loader, [...program, '-rx', command], { timeout: 15_000 }, (error, output) =>
      error === null ? resolve(output) : reject(error),
    );
  });
}

/** A certificate authority and a server certificate for `host`; kept when they are there already. */
export function makeCertificates(folder: string, host: string): string {
  mkdirSync(folder, { recursive: true });
  const path = (name: string): string => join(folder, name);
  if (existsSync(path('server.crt'))) return path('ca.crt');
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '3650',
    '-subj',
    '/CN=interop-ca',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${host}`, '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(path('san'), `subjectAltName=IP:${host},DNS:localhost\n`);
  openssl(
    ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-days', '3650', '-extfile', 'san', '-out', 'server.crt'],
  );
  return path('ca.crt');
}
