/** What is shown of a call while it happens and afterwards: the ladder, a line of figures, and files for whoever wants to look closer. */
import { writeFile } from 'node:fs/promises';
import { CallTracer } from '../bot/call-tracer.js';
import type { Call, SipBot } from '../bot.js';
import type { StreamStats } from '../rtp/stream-stats.js';
import { Ladder } from '../trace/ladder.js';
import type { Terminal } from './terminal.js';

export const SHOW_FLAGS = {
  ladder: { type: 'boolean' },
  svg: { type: 'string' },
  pcap: { type: 'string' },
} as const;

export const SHOW_USAGE = `To look closer:
  --ladder                         the messages as they go by
  --svg call.svg                   a picture of the call
  --pcap call.pcap                 its SIP and RTP, for Wireshark`;

export interface ShowValues {
  readonly ladder?: boolean | undefined;
  readonly svg?: string | undefined;
  readonly pcap?: string | undefined;
}

/** Prints every message of the bot as it goes by. */
export function showLadder(bot: SipBot, terminal: Terminal, names: Readonly<Record<string, string>> = {}): Ladder {
  const ladder = new Ladder({ names });
  let parties = 0;
  bot.on('trace', (message) => {
    const arrow = ladder.add(message);
    if (arrow === undefined) return;
    if (ladder.parties.length > parties) {
      parties = ladder.parties.length;
      terminal.note(ladder.head());
    }
    terminal.note(ladder.line(arrow));
  });
  return ladder;
}

/** Traces calls when a file of them is wanted. `write` for the call that the files shall hold. */
export class CallFiles {
  readonly #values: ShowValues;
  readonly #tracer: CallTracer | undefined;

  constructor(bot: SipBot, values: ShowValues) {
    this.#values = values;
    const isWanted = values.svg !== undefined || values.pcap !== undefined;
    this.#tracer = isWanted ? new CallTracer(bot, { media: values.pcap === undefined ? 'off' : 'on', maxCalls: 8 }) : undefined;
  }

  async write(terminal: Terminal): Promise<void> {
    const trace = [...(this.#tracer?.traces.values() ?? [])].at(-1);
    this.#tracer?.stop();
    if (trace === undefined) return;
    const { svg, pcap } = this.#values;
    if (svg !== undefined) await writeFile(svg, trace.toSvg());
    if (pcap !== undefined) await writeFile(pcap, trace.toPcap());
    terminal.note(`written: ${[svg, pcap].filter((path) => path !== undefined).join(', ')}`);
  }
}

/** One line of figures that tell how good it was. */
export function quality(stats: StreamStats | undefined): string {
  if (stats === undefined) return 'no media';
  const { receivedPackets, receivedLost, jitterMs, bufferDelayMs, receivedMos, sentPackets, rttMs } = stats;
  return [
    `${sentPackets} packets sent, ${receivedPackets} heard, ${receivedLost} lost`,
    `jitter ${figure(jitterMs, 1)} ms`,
    `buffer ${figure(bufferDelayMs, 0)} ms`,
    ...(Number.isNaN(rttMs) ? [] : [`round trip ${figure(rttMs, 0)} ms`]),
    ...(Number.isNaN(receivedMos) ? [] : [`MOS ${figure(receivedMos, 2)}`]),
  ].join(', ');
}

function figure(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '?';
}

/** How it ended, in words. */
export function ending(call: Call): string {
  const end = call.end;
  if (end === undefined) return 'the call goes on';
  const who = { local: 'we', remote: 'the far end', network: 'the network' }[end.by];
  const words: Readonly<Record<string, string>> = {
    hangup: `${who} hung up`,
    rejected: `${who} refused it: ${end.status} ${end.text ?? ''}`.trim(),
    cancelled: `${who} gave up before an answer`,
    redirected: `${who} sent it elsewhere`,
    noAnswer: 'nobody answered',
    mediaTimeout: 'no audio came any more',
    sessionTimeout: 'the session was not refreshed',
    transferred: 'it went on elsewhere',
  };
  return words[end.reason] ?? `${end.reason}, by ${who}${end.text === undefined ? '' : `: ${end.text}`}`;
}
