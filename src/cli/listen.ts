/** `sipbot listen`: takes calls, until it is interrupted. Echoes, plays or records them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Call, SipBot } from '../bot.js';
import { ACCOUNT_FLAGS, ACCOUNT_USAGE, botOptions, defined } from './account.js';
import { type Command, numberOf, readArgs } from './command.js';
import { CallFiles, ending, quality, SHOW_FLAGS, SHOW_USAGE, showLadder } from './show.js';
import { asked, type Terminal } from './terminal.js';

const FLAGS = {
  ...ACCOUNT_FLAGS,
  ...SHOW_FLAGS,
  record: { type: 'string' },
  play: { type: 'string' },
  echo: { type: 'boolean' },
  allow: { type: 'string', multiple: true },
  calls: { type: 'string' },
} as const;

/** The calls that are up end by themselves, or at the second signal. */
const DRAIN_MS = 30_000;

export const listen: Command = {
  name: 'listen',
  summary: 'takes calls: echoes them, plays to them, records them',
  usage: `Usage: sipbot listen [options]

  --echo                           the caller hears itself [when neither --play nor --record is given]
  --play file.wav                  what the caller hears
  --record folder                  a file for each call, one side on each channel
  --allow 192.0.2.0/24             whose calls are taken besides the registrar's; again for more [this machine's]
  --calls n                        end after so many

${ACCOUNT_USAGE.replace('any free port', '5060 without an account, else any free port')}

${SHOW_USAGE}
                                   (of the last call)`,

  async run(args, terminal) {
    const { values } = readArgs(args, FLAGS, { min: 0, max: 0, what: 'option' });
    const most = numberOf('calls', values.calls, { min: 1, max: 1e9 }) ?? Number.POSITIVE_INFINITY;
    const hasAccount = (values.uri ?? terminal.env.SIP_URI) !== undefined;
    const port = values.port ?? (hasAccount ? undefined : '5060');
    if (values.record !== undefined) await mkdir(values.record, { recursive: true });
    const bot = new SipBot({ ...botOptions({ ...values, port }, 'register', terminal), ...defined({ allow: values.allow }) });
    if (values.ladder === true) showLadder(bot, terminal);
    const files = new CallFiles(bot, values);
    const done = new AbortController();
    let taken = 0;
    bot.on('call', async (call) => {
      taken++;
      const number = taken;
      terminal.out(`call ${number} from ${call.from.uri} to ${call.requestUri}`);
      let stats = call.stats();
      call.on('dtmf', (digit) => terminal.out(`call ${number}: key ${digit}`));
      const figures = setInterval(() => {
        stats = call.stats();
      }, 250);
      call.on('ended', () => {
        clearInterval(figures);
        terminal.out(`call ${number}: ${ending(call)}; ${quality(call.stats() ?? stats)}`);
        if (number >= most) done.abort();
      });
      await take(call, number, values, terminal);
    });
    bot.on('registered', ({ account, expiresS }) => terminal.note(`${account} is registered for ${expiresS} s`));
    bot.on('registrationFailed', ({ reason, advice }) => terminal.note(`registration failed: ${reason}. ${advice}.`));
    try {
      const started = bot.start();
      started.catch(() => {});
      await Promise.race([started, asked(terminal.signal)]);
      for (const { transport, host, port: at } of bot.addresses) terminal.note(`listening on ${transport} ${host}:${at}`);
      if (!hasAccount && values.allow === undefined) terminal.note('calls from this machine only are taken: --allow says from where else');
      await asked(AbortSignal.any([terminal.signal, done.signal]));
      return 0;
    } finally {
      await bot.stop({ drainMs: done.signal.aborted ? 0 : DRAIN_MS });
      await files.write(terminal);
    }
  },
};

interface Treatment {
  readonly echo?: boolean | undefined;
  readonly play?: string | undefined;
  readonly record?: string | undefined;
}

async function take(call: Call, number: number, { echo, play, record }: Treatment, terminal: Terminal): Promise<void> {
  await call.answer();
  if (record !== undefined) {
    const stamp = call.startedAt.toISOString().replace(/[-:]|\..*/g, '');
    const recording = call.record(join(record, `${stamp}-${number}-${fileNameOf(call.from.user)}.wav`), { stereo: true });
    recording.done.then(
      ({ path, durationMs }) => terminal.out(`call ${number}: recorded to ${path}, ${(durationMs / 1000).toFixed(1)} s`),
      (error: Error) => terminal.note(`call ${number}: not recorded: ${error.message}`),
    );
  }
  if (play !== undefined) await call.play(play).done;
  if (echo === true || (play === undefined && record === undefined))
    call.audio.on('frame', (frame) => void call.audio.write(frame.samples));
}

/** Whoever calls chooses this text: nothing of it may lead out of the folder. */
function fileNameOf(user: string | undefined): string {
  return (user ?? 'anonymous').replace(/[^\w+-]/g, '_').slice(0, 40);
}
