/** baresip: a softphone without a face. Plays a WAV as its microphone, records what it hears, and is told what to do over its control port. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { end, has, launch, type Peer, tail, until } from './process.js';

export interface BaresipEvent {
  readonly type?: string;
  readonly class?: string;
  readonly param?: string;
  readonly [key: string]: unknown;
}

export interface Baresip extends Peer {
  readonly uri: string;
  readonly events: readonly BaresipEvent[];
  command(command: string, params?: string): void;
  /** Waits until an event of that type has come since the last `forget`. */
  sees(type: string, limitMs?: number): Promise<BaresipEvent>;
  /** Its registrar has answered 200; said in the log before anybody can ask. */
  registered(): Promise<void>;
  forget(): void;
  /** Recordings, newest last: `-dec` is what it heard, `-enc` what it said. */
  heard(): string[];
}

/** Root mean square of the tone it says. */
export const TONE_LEVEL = (0.4 * 32767) / Math.SQRT2;

export interface BaresipOptions {
  readonly host: string;
  readonly port: number;
  readonly folder: string;
  readonly user: string;
  readonly password?: string;
  readonly domain: string;
  /** false: it does not register, and takes calls from anybody. */
  readonly register?: boolean;
  readonly codecs?: readonly ('g711' | 'g722' | 'opus')[];
  readonly toneHz?: number;
  readonly accountParameters?: string;
  readonly transport?: 'udp' | 'tcp' | 'tls';
}

export function baresipInstalled(): boolean {
  return has('baresip');
}

export async function startBaresip(options: BaresipOptions): Promise<Baresip> {
  const { host, port, folder, user, domain } = options;
  const codecs = options.codecs ?? ['g711'];
  const control = port + 200;
  const recordings = join(folder, 'rec');
  mkdirSync(recordings, { recursive: true });
  const tone = join(folder, 'tone.wav');
  const [rate, channels] = codecs[0] === 'opus' ? ['48000', '2'] : codecs[0] === 'g722' ? ['16000', '1'] : ['8000', '1'];
  execFileSync('sox', [
    '-n',
    '-r',
    rate,
    '-c',
    channels,
    '-b',
    '16',
    tone,
    'synth',
    '120',
    'sine',
    String(options.toneHz ?? 440),
    'vol',
    '0.4',
  ]);
  const settings: readonly (readonly [string, string])[] = [
    ['poll_method', 'epoll'],
    ['sip_listen', `${host}:${port}`],
    ['sip_trans_def', options.transport ?? 'udp'],
    ['call_local_timeout', '120'],
    ['call_max_calls', '8'],
    ['audio_player', `aufile,${join(recordings, 'player.wav')}`],
    ['audio_source', `aufile,${tone}`],
    ['audio_level', 'no'],
    ['ausrc_format', 's16'],
    ['auplay_format', 's16'],
    ['rtp_ports', `${20_000 + (port % 1000) * 20}-${20_000 + (port % 1000) * 20 + 18}`],
    ['rtcp_mux', 'no'],
    ['jitter_buffer_delay', '2-5'],
    ['rtp_stats', 'yes'],
    ['net_interface', host],
    ['module_path', '/usr/lib/baresip/modules'],
    ...codecs.map((codec) => ['module', `${codec}.so`] as const),
    ...['aufile', 'sndfile', 'srtp', 'ice', 'dtls_srtp'].map((name) => ['module', `${name}.so`] as const),
    ...['uuid', 'account'].map((name) => ['module_tmp', `${name}.so`] as const),
    ...['ctrl_tcp', 'menu'].map((name) => ['module_app', `${name}.so`] as const),
    ['ctrl_tcp_listen', `${host}:${control}`],
    ['snd_path', recordings],
  ];
  writeFileSync(join(folder, 'config'), settings.map(([key, value]) => `${key} ${value}\n`).join(''));
  writeFileSync(join(folder, 'contacts'), '');
  const interval = options.register === false ? 0 : 60;
  const extra = options.accountParameters === undefined ? '' : `;${options.accountParameters}`;
  writeFileSync(
    join(folder, 'accounts'),
    `<sip:${user}@${domain};transport=${options.transport ?? 'udp'}>;auth_user=${user};auth_pass=${options.password ?? ''};answermode=auto;regint=${interval};ptime=20${extra}\n`,
  );
  const { child, log } = launch('baresip', ['-f', folder], folder);
  let socket: Socket | undefined;
  const events: BaresipEvent[] = [];
  try {
    await until('baresip is ready', () => readFileSync(log, 'utf8').includes('baresip is ready'));
    socket = await openControl(host, control, (event) => events.push(event));
  } catch (error) {
    await end(child, 'SIGKILL');
    throw new Error(`${(error as Error).message}\n${tail(log)}`);
  }
  const version = /baresip v?([0-9.]+)/i.exec(readFileSync(log, 'utf8'))?.[1] ?? '?';
  return {
    name: 'baresip',
    version,
    pid: child.pid!,
    folder,
    uri: `sip:${user}@${host}:${port}`,
    events,
    command: (command, params = '') => {
      const text = JSON.stringify({ command, params, token: 't' });
      socket.write(`${Buffer.byteLength(text)}:${text},`);
    },
    sees: async (type, limitMs = 10_000) => {
      await until(`baresip says ${type}`, () => events.some((event) => event.type === type), limitMs);
      return events.find((event) => event.type === type)!;
    },
    registered: () => until('baresip is registered', () => /200 OK.*\[\d+ binding/.test(readFileSync(log, 'utf8'))),
    forget: () => void events.splice(0),
    heard: () =>
      readdirSync(recordings)
        .filter((name) => name.endsWith('-dec.wav'))
        .sort()
        .map((name) => join(recordings, name)),
    stop: async () => {
      socket.destroy();
      await end(child);
    },
  };
}

/** The control port speaks JSON in netstrings. */
function openControl(host: string, port: number, onEvent: (event: BaresipEvent) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => resolve(socket));
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (;;) {
        const colon = text.indexOf(':');
        if (colon < 0) return;
        const length = Number(text.slice(0, colon));
        if (text.length < colon + 1 + length + 1) return;
        const message = JSON.parse(text.slice(colon + 1, colon + 1 + length)) as BaresipEvent;
        text = text.slice(colon + 1 + length + 1);
        if (message['event'] === true) onEvent(message);
      }
    });
  });
}
