/** The entry of a media thread: a MediaHost on the system's clock and sockets, behind a message port. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../clock.js';
import { systemRandom } from '../random.js';
import { type HostCommand, MediaHost } from './media-host.js';
import { systemDatagram } from './socket.js';
import { streamRooms } from './stream-rooms.js';

export interface ThreadStart {
  readonly ready: SharedArrayBuffer;
  readonly counts: SharedArrayBuffer;
}

const port = parentPort!;
const { ready, counts } = workerData as ThreadStart;

const host = new MediaHost({
  clock: systemClock,
  random: systemRandom,
  datagram: systemDatagram,
  rooms: streamRooms,
  ready,
  counts,
  report: (report) => port.postMessage(report),
});

port.on('message', (command: HostCommand | { readonly type: 'stop' }) => {
  if (command.type !== 'stop') {
    host.onCommand(command);
    return;
  }
  host.close();
  port.close();
});
