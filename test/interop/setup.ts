/** Starts the peers once for the whole run, tells the tests where they are, and puts them away afterwards. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { asteriskInstalled, startAsterisk } from './peers/asterisk.js';
import { baresipInstalled } from './peers/baresip.js';
import { kamailioInstalled, startKamailio } from './peers/kamailio.js';
import { claimLoopback } from './peers/loopback.js';
import { whyNoNat } from './peers/nat.js';
import { askForPriority, at, has, here, type Peer } from './peers/process.js';
import { rtpengineInstalled, startRtpengine } from './peers/rtpengine.js';
import { sippInstalled } from './peers/sipp.js';

export interface PeerAddress {
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly wsPort: number;
  readonly wssPort: number;
  readonly caFile: string;
  readonly folder: string;
  readonly pid: number;
}

/** undefined: that peer is not on this machine. */
export interface Peers {
  readonly work: string;
  readonly asterisk: PeerAddress | undefined;
  readonly kamailio: PeerAddress | undefined;
  readonly kamailioSha256: PeerAddress | undefined;
  readonly rtpengine: { readonly version: string; readonly host: string } | undefined;
  readonly baresip: boolean;
  readonly sipvicious: boolean;
  readonly sipp36: boolean;
  readonly sipp38: boolean;
  /** Why there is no NAT here; undefined where there can be one. */
  readonly whyNoNat: string | undefined;
}

declare module 'vitest' {
  export interface ProvidedContext {
    peers: Peers;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (process.env.SIPBOT_INTEROP_INSTALL !== 'no') {
    execFileSync(join(here, 'install.sh'), { stdio: 'inherit', timeout: 15 * 60_000 });
  }
  const restore = askForPriority();
  const loopback = process.env.SIPBOT_INTEROP_NET === undefined ? await claimLoopback() : undefined;
  // The tests' own processes are started later, and ask for addresses by the same `at`.
  if (loopback !== undefined) process.env.SIPBOT_INTEROP_NET = loopback.net;
  const work = mkdtempSync(join(tmpdir(), 'sipbot-interop-'));
  const started: Peer[] = [];
  const start = async <P extends Peer>(isInstalled: boolean, run: () => Promise<P>): Promise<P | undefined> => {
    if (!isInstalled) return undefined;
    const peer = await run();
    started.push(peer);
    return peer;
  };
  const stop = async (): Promise<void> => {
    for (const peer of started.reverse()) await peer.stop();
    loopback?.release();
    restore();
  };
  try {
    const asterisk = await start(asteriskInstalled(), () => startAsterisk({ host: at(21), folder: join(work, 'asterisk') }));
    const kamailio = await start(kamailioInstalled(), () => startKamailio({ host: at(22), folder: join(work, 'kamailio') }));
    const kamailioSha256 = await start(kamailioInstalled(), () =>
      startKamailio({ host: at(23), folder: join(work, 'kamailio-sha256'), digest: 'SHA-256' }),
    );
    const rtpengine = await start(rtpengineInstalled(), () => startRtpengine({ host: at(24), folder: join(work, 'rtpengine') }));
    const peers: Peers = {
      work,
      asterisk: asterisk && addressOf(asterisk),
      kamailio: kamailio && addressOf({ ...kamailio, wssPort: 0 }),
      kamailioSha256: kamailioSha256 && addressOf({ ...kamailioSha256, wssPort: 0 }),
      rtpengine: rtpengine && { version: rtpengine.version, host: at(24) },
      baresip: baresipInstalled(),
      sipvicious: has('svmap'),
      sipp36: sippInstalled('3.6'),
      sipp38: sippInstalled('3.8'),
      whyNoNat: whyNoNat(),
    };
    if (process.env.CI !== undefined) {
      const missing = Object.entries(peers).filter(([name, peer]) => name !== 'whyNoNat' && (peer === undefined || peer === false));
      if (missing.length > 0) throw new Error(`CI must have every peer; missing: ${missing.map(([name]) => name).join(', ')}`);
    }
    if (peers.whyNoNat !== undefined) console.log(`interop: the cases behind a NAT are skipped: ${peers.whyNoNat}`);
    project.provide('peers', peers);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

function addressOf(peer: PeerAddress): PeerAddress {
  const { version, host, port, tlsPort, wsPort, wssPort, caFile, folder, pid } = peer;
  return { version, host, port, tlsPort, wsPort, wssPort, caFile, folder, pid };
}
