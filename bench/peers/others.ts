/** The peers not written by us, as they are installed here (docs/interop.md): undefined when one is not. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asteriskInstalled, startAsterisk } from '../../test/interop/peers/asterisk.js';
import { baresipInstalled } from '../../test/interop/peers/baresip.js';
import { end, launch, sleep } from '../../test/interop/peers/process.js';
import { sipp, sippInstalled } from '../../test/interop/peers/sipp.js';
import type { Media } from '../load/description.js';
import { CALLEE_CORE, put } from '../load/machine.js';
import { HOST, type Peer } from './peer.js';

export type OtherName = 'asterisk' | 'sipp' | 'baresip';

/** `work`: a folder for what they write. */
export async function startOther(name: OtherName, work: string, media: Media): Promise<Peer | undefined> {
  const peer = await starters[name](join(work, name), media);
  if (peer !== undefined) put(peer.pid, CALLEE_CORE);
  return peer;
}

const starters: Readonly<Record<OtherName, (folder: string, media: Media) => Promise<Peer | undefined>>> = {
  /** Extension 600 is `Echo()`, which hands packets on; media is set up by PJSIP all the same. */
  asterisk: async (folder, media) => {
    if (!asteriskInstalled()) return undefined;
    const { version, pid, port, stop } = await startAsterisk({ host: HOST, port: 5074, folder, rtpPorts: [30_000, 38_000] });
    return {
      name: 'Asterisk Echo()',
      version,
      pid,
      callee: { host: HOST, port, user: '600', from: media === 'srtp' ? '6060' : '6006' },
      stop,
    };
  },

  /** All calls echoed by one thread on one port. */
  sipp: async (folder, media) => {
    if (!sippInstalled('3.6') || media === 'srtp') return undefined;
    const run = sipp('3.6', folder, [
      '-sn',
      'uas',
      '-i',
      HOST,
      '-p',
      '5072',
      '-mi',
      HOST,
      '-mp',
      '40000',
      '-rtp_echo',
      '-buff_size',
      '4194304',
    ]);
    await sleep(1000);
    return {
      name: 'SIPp -rtp_echo',
      version: '3.6',
      pid: run.pid,
      callee: { host: HOST, port: 5072, user: 'x', from: 'caller' },
      stop: async () => {
        run.stop();
        await run.done;
      },
    };
  },

  baresip: async (folder, media) => {
    if (!baresipInstalled()) return undefined;
    mkdirSync(folder, { recursive: true });
    const settings = [
      'poll_method epoll',
      `sip_listen ${HOST}:5078`,
      'call_max_calls 1000',
      'jitter_buffer_delay 2-5',
      'rtp_ports 42000-46000',
      `net_interface ${HOST}`,
      'module_path /usr/lib/baresip/modules',
      ...['g711', 'aubridge', 'srtp'].map((name) => `module ${name}.so`),
      'module_tmp account.so',
      'module_app echo.so',
      'audio_player aubridge,x',
      'audio_source aubridge,x',
      '',
    ];
    writeFileSync(join(folder, 'config'), settings.join('\n'));
    writeFileSync(join(folder, 'contacts'), '');
    writeFileSync(join(folder, 'accounts'), `<sip:x@${HOST}>;regint=0;ptime=20${media === 'srtp' ? ';mediaenc=srtp' : ''}\n`);
    const { child } = launch('baresip', ['-f', folder], folder);
    await sleep(1500);
    return {
      name: 'baresip echo',
      version: '1.0',
      pid: child.pid!,
      callee: { host: HOST, port: 5078, user: 'x', from: 'caller' },
      stop: () => end(child),
    };
  },
};
