/**
 * The process that calls, in `bench calls`, `bench cps` and `bench growth`. Its parent tells it what to do and gets figures back; how late it was itself
 * is one of them, for no tail below that says anything of whom it called.
 */
import { Crowd, type Placed } from './crowd.js';
import { type Media, offer } from './description.js';
import { Histogram, type Tail } from './histogram.js';
import { pace, sleep } from './pace.js';
import { type Callee, SipCaller } from './sip-caller.js';

/** One after the other; each has its answer. */
export type Order =
  | { readonly do: 'open'; readonly callee: Callee; readonly host: string }
  | { readonly do: 'place'; readonly calls: number; readonly perSecond: number; readonly media: Media }
  | { readonly do: 'hold' | 'report' | 'leave' }
  | { readonly do: 'signal'; readonly calls: number; readonly perSecond: number };

export interface Signalled extends Placed {
  readonly ownLate: Tail;
}

let caller: SipCaller;
let crowd: Crowd;
let host: string;

/** Each call is hung up as soon as it stands. */
async function signal(calls: number, perSecond: number): Promise<Signalled> {
  const ownLate = new Histogram();
  caller.setup.clear();
  caller.resent = 0;
  let up = 0;
  let failed = 0;
  const gone = (isClean: boolean): void => {
    if (isClean) up++;
    else failed++;
  };
  await pace(calls, perSecond, ownLate, () => {
    const call = caller.call(offer(host, 40_000), (answer) => (answer === undefined ? gone(false) : caller.hangUp(call, gone)));
  });
  while (up + failed < calls) await sleep(5);
  return { up, failed, resent: caller.resent, setup: caller.setup.tail(), ownLate: ownLate.tail() };
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'open':
      host = order.host;
      caller = await SipCaller.open(order.callee, host);
      crowd = await Crowd.open(caller, host);
      return undefined;
    case 'place':
      return crowd.place(order.calls, order.perSecond, order.media);
    case 'hold':
      return crowd.hold();
    case 'report':
      return crowd.report();
    case 'leave':
      return crowd.leave();
    case 'signal':
      return signal(order.calls, order.perSecond);
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.send!({ answer }),
    (error: Error) => process.send!({ error: error.message }),
  );
});
