/** Node's own sockets as a `Network`. */
import type { Network } from '../../network.js';
import { connectTcp, listenTcp } from './tcp.js';
import { openDatagram } from './udp.js';

export const systemNetwork: Network = { datagram: openDatagram, connect: connectTcp, listen: listenTcp };
