/** `sipbot register`: registers, and stays registered. */
import { SipBot } from '../bot.js';
import { ACCOUNT_FLAGS, ACCOUNT_USAGE, botOptions } from './account.js';
import { type Command, readArgs, UsageError } from './command.js';
import { showLadder } from './show.js';
import { asked } from './terminal.js';

const FLAGS = { ...ACCOUNT_FLAGS, ladder: { type: 'boolean' }, once: { type: 'boolean' } } as const;

export const register: Command = {
  name: 'register',
  summary: 'registers, and stays registered until it is interrupted',
  usage: `Usage: sipbot register --uri sip:6001@pbx.example.com [options]

  --once                           unregister and end as soon as it has worked
  --ladder                         the messages as they go by

${ACCOUNT_USAGE}

Exit code 0 when the registration was taken.`,

  async run(args, terminal) {
    const { values } = readArgs(args, FLAGS, { min: 0, max: 0, what: 'option' });
    const options = botOptions(values, 'register', terminal);
    if (options.uri === undefined) throw new UsageError('--uri is missing: who shall be registered?');
    const bot = new SipBot(options);
    if (values.ladder === true) showLadder(bot, terminal);
    bot.on('registered', ({ account, expiresS }) => terminal.out(`${account} is registered for ${expiresS} s`));
    bot.on('registrationFailed', ({ reason, advice, retryInMs }) => {
      const next = retryInMs === undefined ? '' : ` Tried again in ${Math.round(retryInMs / 1000)} s.`;
      terminal.note(`registration failed: ${reason}. ${advice}.${next}`);
    });
    bot.on('call', (call) => {
      terminal.note(`${call.from.uri} calls; refused with 480: 'sipbot listen' takes calls`);
      call.reject(480);
    });
    try {
      const started = bot.start();
      await Promise.race([started, asked(terminal.signal)]);
      if (values.once !== true) await asked(terminal.signal);
      const isRegistered = bot.stats().accounts.some((account) => account.isRegistered);
      started.catch(() => {});
      return isRegistered ? 0 : 1;
    } finally {
      await bot.stop();
    }
  },
};
