/** `sipbot trace`: the ladder of a capture. */
import { readFile, writeFile } from 'node:fs/promises';
import { callIdOf } from '../trace/call-trace.js';
import { sipOfCapture } from '../trace/captured-sip.js';
import { Ladder } from '../trace/ladder.js';
import { type Command, readArgs } from './command.js';

const FLAGS = { svg: { type: 'string' }, 'call-id': { type: 'string' }, calls: { type: 'boolean' } } as const;
/** Far more than a call, and what a machine holds in memory without trouble. */
const MOST_BYTES = 1 << 30;

export const trace: Command = {
  name: 'trace',
  summary: 'draws the ladder of a capture (pcap or pcapng)',
  usage: `Usage: sipbot trace <file.pcap> [options]

  --call-id id                     of this call only
  --calls                          only lists the calls: Call-ID, messages, first line
  --svg out.svg                    as a picture, too

SIP over UDP and TCP is read, on Ethernet, Linux "any", loopback and raw IP. Exit code 1 when there is none.`,

  async run(args, terminal) {
    const { values, words } = readArgs(args, FLAGS, { min: 1, max: 1, what: 'capture file' });
    const file = await readFile(words[0]!);
    if (file.length > MOST_BYTES) {
      terminal.note(`${words[0]} is larger than ${MOST_BYTES} bytes: cut it with editcap first`);
      return 1;
    }
    const { messages, packets, damage } = sipOfCapture(file);
    if (damage !== undefined) terminal.note(`${words[0]}: ${damage}`);
    const calls = new Map<string, { count: number; readonly first: string }>();
    for (const { bytes } of messages) {
      const id = callIdOf(bytes) ?? 'unreadable';
      const known = calls.get(id);
      if (known === undefined) calls.set(id, { count: 1, first: firstLine(bytes) });
      else known.count++;
    }
    if (values.calls === true) for (const [id, { count, first }] of calls) terminal.out(`${id}\t${count}\t${first}`);
    const callId = values['call-id'];
    const ladder = new Ladder(callId === undefined ? {} : { callId });
    for (const message of messages) ladder.add(message);
    if (ladder.arrows.length === 0) {
      terminal.note(
        callId === undefined || calls.size === 0
          ? `no SIP in ${packets} packets: it may be encrypted (TLS), in WebSocket frames, or not in this capture`
          : `no message of that call; there are: ${[...calls.keys()].slice(0, 10).join(', ')}`,
      );
      return 1;
    }
    if (values.calls !== true) terminal.out(ladder.toText());
    if (values.svg !== undefined) {
      await writeFile(values.svg, ladder.toSvg());
      terminal.note(`written: ${values.svg}`);
    }
    if (calls.size > 1 && callId === undefined && values.calls !== true)
      terminal.note(`${calls.size} calls: --calls lists them, --call-id shows one`);
    return 0;
  },
};

function firstLine(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 200)).toString('utf8');
  return text.slice(0, Math.max(0, text.search(/\r?\n/)));
}
