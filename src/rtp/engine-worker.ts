/** The entry of a media thread: a MediaHost on the system's clock and sockets, behind a message port. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock, type Timer } from '../clock.js';
import { systemRandom } from '../random.js';
import { type HostCommand, type HostReport, MediaHost } from './media-host.js';
import { systemDatagram } from './socket.js';
import { streamRooms } from './stream-rooms.js';
import { comesFirst } from './thread-priority.js';

export interface ThreadStart {
  readonly ready: SharedArrayBuffer;
  readonly counts: SharedArrayBuffer;
}

const port = parentPort!;
const { ready, counts } = workerData as ThreadStart;

comesFirst();

/** Nobody waits to hear of an end. */
const ENDS_AFTER_MS = 20;

let reports: HostReport[] = [];
let timer: Timer | undefined;
let isDue = false;

/** What is said within a turn goes in one message, and with it what could wait. */
function report(news: HostReport): void {
  reports.push(news);
  if (news.type === 'closed') timer ??= systemClock.at(systemClock.now() + ENDS_AFTER_MS, flush);
  else if (!isDue) {
    isDue = true;
    setImmediate(flush);
  }
}

function flush(): void {
  timer?.cancel();
  timer = undefined;
  isDue = false;
  if (reports.length > 0) port.postMessage(reports);
  reports = [];
}

const host = new MediaHost({
  clock: systemClock,
  random: systemRandom,
  datagram: systemDatagram,
  rooms: streamRooms,
  ready,
  counts,
  report,
});

port.on('message', (commands: readonly HostCommand[] | 'stop') => {
  if (commands !== 'stop') {
    for (const command of commands) host.onCommand(command);
    return;
  }
  host.close();
  flush();
  port.close();
});
