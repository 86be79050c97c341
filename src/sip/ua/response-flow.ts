/** Which flow a response takes when not the one its request came on (RFC 3261 §18.2.2, RFC 3581 §4). */
import { SipBotError } from '../../errors.js';
import type { SipRequest } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import { isIP, isSameAddress } from '../transport/ip.js';
import { responseTarget } from '../transport/sent-by.js';
import type { TransportLayer } from '../transport/transport-layer.js';

/** Undefined: back the way it came. */
export function responseFlow(
  transports: Pick<TransportLayer, 'flowTo' | 'responseFlowTo'>,
  request: SipRequest,
  flow: Flow,
): Promise<Flow> | undefined {
  const via = request.via;
  if (via === undefined) return undefined;
  if (flow.reliable) {
    if (flow.isOpen) return undefined;
    // §18.2.2: the connection is gone; one to the sent-by port takes its place. Nobody can connect to a WebSocket client.
    const target = flow.transport === 'tcp' || flow.transport === 'tls' ? responseTarget(via, flow.transport) : undefined;
    return target === undefined
      ? Promise.reject(new SipBotError('ERR_TRANSPORT', 'the connection of the request is gone'))
      : transports.flowTo(target);
  }
  if (typeof via.rport === 'number' && via.maddr === undefined) return undefined;
  const target = responseTarget(via, 'udp');
  if (target === undefined || (target.port === flow.remote.port && isSameAddress(target.address, flow.remote.address))) return undefined;
  // Deviation: a sent-by address that is not where the request came from is one behind a NAT, whatever rport says; only the source port leads back.
  if (via.maddr === undefined && isIP(via.host) !== 0 && !isSameAddress(via.host, flow.remote.address)) return undefined;
  return transports.responseFlowTo(target, flow);
}
