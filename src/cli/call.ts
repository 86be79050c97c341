/** `sipbot call`: places a call, plays, presses keys, records, and says how it went. */
import { type Call, SipBot } from '../bot.js';
import { ACCOUNT_FLAGS, ACCOUNT_USAGE, botOptions, defined } from './account.js';
import { type Command, numberOf, readArgs } from './command.js';
import { CallFiles, ending, quality, SHOW_FLAGS, SHOW_USAGE, showLadder } from './show.js';
import { asked, pause, type Terminal } from './terminal.js';

const FLAGS = {
  ...ACCOUNT_FLAGS,
  ...SHOW_FLAGS,
  from: { type: 'string' },
  play: { type: 'string', multiple: true },
  record: { type: 'string' },
  dtmf: { type: 'string' },
  echo: { type: 'boolean' },
  seconds: { type: 'string' },
  timeout: { type: 'string' },
} as const;

export const call: Command = {
  name: 'call',
  summary: 'places a call: plays, presses keys, records, and says how it went',
  usage: `Usage: sipbot call <sip:user@host | number> [options]

  --play file.wav                  what the callee hears; again for more, one after the other
  --dtmf 12#                       keys to press, after what is played; a comma is a pause
  --record call.wav                both sides, one on each channel
  --echo                           the callee hears itself
  --seconds n                      hang up so long after the answer [after --play and --dtmf; else when the callee does]
  --from number                    what the callee sees
  --timeout seconds                how long it may ring [60]

${ACCOUNT_USAGE}

${SHOW_USAGE}

Exit code 0 when the call was answered.`,

  async run(args, terminal) {
    const { values, words } = readArgs(args, FLAGS, { min: 1, max: 1, what: 'target' });
    const seconds = numberOf('seconds', values.seconds, { min: 0.1, max: 86_400 });
    const timeoutS = numberOf('timeout', values.timeout, { min: 1, max: 600 }) ?? 60;
    const bot = new SipBot(botOptions(values, 'only-call', terminal));
    if (values.ladder === true) showLadder(bot, terminal);
    const files = new CallFiles(bot, values);
    try {
      await bot.start();
      terminal.note(`calling ${words[0]}`);
      const dialled = await bot.dial(words[0]!, {
        timeoutMs: timeoutS * 1000,
        signal: terminal.signal,
        redirects: 'follow',
        onCall: (ringing) => {
          ringing.on('ringing', () => terminal.note('it rings'));
          ringing.on('early', () => terminal.note('early media'));
        },
        ...defined({ callerId: values.from }),
      });
      terminal.note(`answered, in ${dialled.codec}`);
      dialled.on('dtmf', (digit) => terminal.out(`key ${digit}`));
      dialled.on('held', ({ by }) => terminal.note(`held by ${by === 'local' ? 'us' : 'the far end'}`));
      await talk(dialled, { ...values, seconds }, terminal);
      const stats = dialled.stats();
      await dialled.hangup().catch(() => {});
      terminal.note(ending(dialled));
      terminal.out(quality(stats));
      return 0;
    } finally {
      await bot.stop();
      await files.write(terminal);
    }
  },
};

interface Talk {
  readonly play?: readonly string[] | undefined;
  readonly dtmf?: string | undefined;
  readonly record?: string | undefined;
  readonly echo?: boolean | undefined;
  readonly seconds: number | undefined;
}

/** Until everything asked for is done, the time is up, the far end has hung up, or the process shall end. */
async function talk(dialled: Call, { play = [], dtmf, record, echo, seconds }: Talk, terminal: Terminal): Promise<void> {
  const over = new AbortController();
  dialled.on('ended', () => over.abort());
  const ended = AbortSignal.any([over.signal, terminal.signal]);
  if (dialled.end !== undefined) return;
  const recording = record === undefined ? undefined : dialled.record(record, { stereo: true });
  if (echo === true) dialled.audio.on('frame', (frame) => void dialled.audio.write(frame.samples));
  const wanted = async (): Promise<void> => {
    for (const file of play) {
      const { outcome } = await dialled.play(file).done;
      if (outcome !== 'completed') return;
    }
    if (dtmf !== undefined && !ended.aborted) await dialled.sendDtmf(dtmf);
  };
  const doing = wanted();
  if (seconds !== undefined) await Promise.race([pause(seconds * 1000, ended), doing.then(() => asked(ended))]);
  else if (play.length > 0 || dtmf !== undefined) await Promise.race([doing, asked(ended)]);
  else await asked(ended);
  // What could not be played or pressed is an error of the command, unless the call was over by then.
  if (ended.aborted) await doing.catch(() => {});
  if (recording === undefined) return;
  await recording.stop();
  const { path, durationMs } = await recording.done;
  terminal.note(`recorded: ${path}, ${(durationMs / 1000).toFixed(1)} s`);
}
