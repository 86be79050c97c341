/** What this machine has: Node, Opus, addresses, and ports that are free. */
import { networkInterfaces } from 'node:os';
import { loadOpus } from '../../codec/opus-library.js';
import { systemDatagram } from '../../rtp/socket.js';
import { PRIVATE_NETWORKS, Subnets } from '../../sip/transport/ip.js';
import { systemNetwork } from '../../sip/transport/system-network.js';
import { numberOf, UsageError } from '../command.js';
import { type Finding, note, ok, wrong } from './finding.js';

const WILDCARD = '0.0.0.0';
const SIP_PORT = 5060;
/** So many pairs of the media range are tried: a firewall or another program takes whole ranges, not single ports. */
const PAIRS_TRIED = 16;

export async function runtime(): Promise<Finding> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) return wrong(`Node ${process.versions.node}`, 'sipbot needs Node 20 or later');
  try {
    await loadOpus();
    return ok(`Node ${process.versions.node}, with Opus`);
  } catch {
    return note(
      `Node ${process.versions.node}, without Opus`,
      'npm install @evan/opus, if calls shall use it; G.722 and G.711 are always there',
    );
  }
}

export function localAddresses(): Finding[] {
  const privates = new Subnets(PRIVATE_NETWORKS);
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  if (addresses.length === 0) return [note('no address but the loopback', 'calls to other machines need a network')];
  const list = addresses.map(({ address }) => address).join(', ');
  return addresses.every(({ address }) => privates.has(address))
    ? [
        note(
          `private addresses only: ${list}`,
          'for calls over the Internet: publicAddress "auto" (--public-address auto), or the router\'s address there',
        ),
      ]
    : [ok(`addresses: ${list}`)];
}

/** The port that others call when there is no registration. */
export async function signallingPorts(host = WILDCARD, port: string | undefined): Promise<Finding[]> {
  const number = numberOf('port', port, { min: 1, max: 65_535 }) ?? SIP_PORT;
  const udp = await triedUdp(host, number);
  const tcp = await triedTcp(host, number);
  return [
    udp === undefined ? ok(`UDP port ${number} is free`) : taken('UDP', number, udp),
    tcp === undefined ? ok(`TCP port ${number} is free`) : taken('TCP', number, tcp),
  ];
}

export async function mediaPorts(host = WILDCARD, range = '10000-20000'): Promise<Finding> {
  const [, low, high] = /^(\d{1,5})-(\d{1,5})$/.exec(range) ?? [];
  const [from, to] = [Number(low), Number(high)];
  if (!(from > 0 && to <= 65_535 && to - from >= 3)) throw new UsageError('--rtp-ports takes a range such as 10000-20000.');
  const pairs = Math.floor((to - from + 1) / 2);
  const step = Math.max(1, Math.floor(pairs / PAIRS_TRIED));
  let tried = 0;
  let failed = 0;
  let why = '';
  for (let pair = 0; pair < pairs && tried < PAIRS_TRIED; pair += step) {
    const even = from + (from % 2) + pair * 2;
    const trouble = (await triedUdp(host, even)) ?? (await triedUdp(host, even + 1));
    tried++;
    if (trouble === undefined) continue;
    failed++;
    why = trouble;
  }
  if (failed === 0) return ok(`media ports ${range} are free (${tried} pairs tried)`);
  const told = `${failed} of ${tried} pairs of the media ports ${range} cannot be had: ${why}`;
  return failed === tried ? wrong(told, 'give another range: option rtpPorts') : note(told, 'calls go round them');
}

function taken(kind: string, port: number, why: string): Finding {
  const advice =
    why === 'EACCES'
      ? 'ports below 1024 need rights; take a higher one'
      : why === 'EADDRNOTAVAIL'
        ? 'that host is no address of this machine'
        : 'another program has it (an exchange, a softphone): end it, or use another port; with a registration any port will do';
  return (why === 'EADDRINUSE' ? note : wrong)(`${kind} port ${port} cannot be had: ${why}`, advice);
}

async function triedUdp(host: string, port: number): Promise<string | undefined> {
  try {
    (await systemDatagram({ host, port })).close();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

async function triedTcp(host: string, port: number): Promise<string | undefined> {
  try {
    (await systemNetwork.listen({ host, port }, (stream) => stream.destroy())).close();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
