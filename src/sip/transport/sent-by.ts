/** What the top Via says about the way back: stamped on requests (RFC 3261 §18.2.1, RFC 3581 §4), read for responses (§18.2.2). */
import type { SocketAddress } from '../../network.js';
import type { SipRequest } from '../message/message.js';
import type { Via } from '../message/via.js';
import { isIP, isSameAddress, plainAddress, withoutBrackets } from './ip.js';
import { defaultPort, isReliable, type Target, type TransportName } from './transport.js';

/**
 * Writes the truth about where the request came from into its top Via: `received` when the sent-by says otherwise (or claimed one itself),
 * `rport` when it was asked for. Nothing else of the message changes, and a Via that needs neither is left alone byte for byte.
 */
export function stampReceived(request: SipRequest, remote: SocketAddress): void {
  const via = request.via;
  if (via === undefined) return;
  const wantsPort = via.params.has('rport');
  // RFC 3581 §4: with rport, received is written even when it equals the sent-by. A `received` that came with the request is not to be believed.
  const wantsAddress = wantsPort || via.params.has('received') || !isSameAddress(via.host, remote.address);
  if (!wantsAddress) return;
  let params = via.params.with('received', plainAddress(remote.address));
  if (wantsPort) params = params.with('rport', String(remote.port));
  request.replaceFirst('Via', via.with({ params }).toString());
}

/**
 * §18.2.2: where a response goes when not back on the connection its request came by. Needs a stamped Via.
 * Deviation: a unicast `maddr` is not followed; one small datagram could aim our retransmissions at anybody.
 */
export function responseTarget(via: Via, transport: TransportName): Target | undefined {
  const maddr = via.params.get('maddr');
  const isMulticast = maddr !== undefined && /^(22[4-9]|23\d)\./.test(maddr) && isIP(maddr) === 4;
  const address = transport === 'udp' && isMulticast ? maddr : withoutBrackets(via.received ?? via.host);
  if (isIP(address) === 0) return undefined;
  const sentByPort = via.port ?? defaultPort(transport);
  const port = !isReliable(transport) && !isMulticast && typeof via.rport === 'number' ? via.rport : sentByPort;
  return { transport, address, port, host: withoutBrackets(via.host) };
}
