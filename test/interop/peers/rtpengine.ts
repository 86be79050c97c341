/** rtpengine in user space: a media relay in the path, driven over its ng protocol. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { end, has, launch, type Peer, tail, until } from './process.js';

export type Bencoded = string | number | readonly Bencoded[] | { readonly [key: string]: Bencoded };

export interface Rtpengine extends Peer {
  /** One ng command; its answer. */
  command(command: Record<string, Bencoded>): Promise<Record<string, Bencoded>>;
}

const NG_PORT = 22_222;

export function rtpengineInstalled(): boolean {
  return has('rtpengine');
}

export async function startRtpengine(options: { readonly host: string; readonly folder: string }): Promise<Rtpengine> {
  const { host, folder } = options;
  const { child, log } = launch(
    'rtpengine',
    [
      '--foreground',
      '--config-file=none',
      '--table=-1',
      `--interface=${host}`,
      `--listen-ng=${host}:${NG_PORT}`,
      `--listen-cli=${host}:9900`,
      '--port-min=26000',
      '--port-max=26999',
      '--log-stderr',
      '--log-level=5',
      '--num-threads=1',
    ],
    folder,
  );
  const command = (message: Record<string, Bencoded>): Promise<Record<string, Bencoded>> => rtpengineCommand(host, message);
  try {
    await until('rtpengine answers', () =>
      command({ command: 'ping' })
        .then(() => true)
        .catch(() => false),
    );
  } catch (error) {
    await end(child, 'SIGKILL');
    throw new Error(`${(error as Error).message}\n${tail(log)}`);
  }
  const said = spawnSync('rtpengine', ['--version'], { encoding: 'utf8' });
  const version = /([0-9]+(\.[0-9]+)+)/.exec(`${said.stdout}${said.stderr}`)?.[1] ?? '?';
  return { name: 'rtpengine', version, pid: child.pid!, folder, command, stop: () => end(child) };
}

/** One ng command to the one that runs there; its answer. */
export async function rtpengineCommand(host: string, message: Record<string, Bencoded>): Promise<Record<string, Bencoded>> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('rtpengine did not answer')), 5000);
      socket.once('message', (bytes) => {
        clearTimeout(timer);
        resolve(decode(bytes, bytes.indexOf(0x20) + 1)[0] as Record<string, Bencoded>);
      });
      socket.send(Buffer.concat([Buffer.from(`${randomBytes(4).toString('hex')} `), encode(message)]), NG_PORT, host);
    });
  } finally {
    socket.close();
  }
}

function encode(value: Bencoded): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`);
  if (typeof value === 'string') return Buffer.concat([Buffer.from(`${Buffer.byteLength(value)}:`), Buffer.from(value)]);
  if (Array.isArray(value)) return Buffer.concat([Buffer.from('l'), ...(value as Bencoded[]).map(encode), Buffer.from('e')]);
  const entries = Object.entries(value as Record<string, Bencoded>).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([Buffer.from('d'), ...entries.flatMap(([key, item]) => [encode(key), encode(item)]), Buffer.from('e')]);
}

function decode(bytes: Buffer, at: number): [value: Bencoded, next: number] {
  const kind = String.fromCharCode(bytes[at]!);
  if (kind === 'i') {
    const close = bytes.indexOf(0x65, at);
    return [Number(bytes.toString('latin1', at + 1, close)), close + 1];
  }
  if (kind === 'l' || kind === 'd') {
    const items: Bencoded[] = [];
    let next = at + 1;
    while (bytes[next] !== 0x65) {
      const [item, after] = decode(bytes, next);
      items.push(item);
      next = after;
    }
    if (kind === 'l') return [items, next + 1];
    return [Object.fromEntries(Array.from({ length: items.length / 2 }, (_, i) => [String(items[2 * i]), items[2 * i + 1]!])), next + 1];
  }
  const colon = bytes.indexOf(0x3a, at);
  const start = colon + 1;
  const length = Number(bytes.toString('latin1', at, colon));
  return [bytes.toString('utf8', start, start + length), start + length];
}
