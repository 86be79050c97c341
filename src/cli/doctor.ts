/** `sipbot doctor`: looks at everything that a first call needs, says what is wrong, and what to do about it. */
import { SipBot } from '../bot.js';
import { ACCOUNT_FLAGS, ACCOUNT_USAGE, botOptions } from './account.js';
import { audioBothWays } from './checks/audio.js';
import type { Finding } from './checks/finding.js';
import { localAddresses, mediaPorts, runtime, signallingPorts } from './checks/machine.js';
import { namesOf } from './checks/names.js';
import { natByStun } from './checks/nat.js';
import { registration } from './checks/registration.js';
import { type Command, numberOf, readArgs } from './command.js';
import type { Terminal } from './terminal.js';

const FLAGS = {
  ...ACCOUNT_FLAGS,
  stun: { type: 'string', multiple: true },
  'rtp-ports': { type: 'string' },
  echo: { type: 'string' },
  seconds: { type: 'string' },
} as const;

const MARK = { ok: 'ok     ', note: 'note   ', wrong: 'WRONG  ', skipped: 'skipped' } as const;

export const doctor: Command = {
  name: 'doctor',
  summary: 'says what is wrong between here and a call, and what to do',
  usage: `Usage: sipbot doctor [domain] [options]

  domain                           whose DNS is looked at [that of the account]
  --stun host[:port]               how we look from outside; twice, to see whether the port depends on who is asked
  --rtp-ports 10000-20000          what calls use
  --echo number                    a number that echoes: is called, to hear whether audio goes both ways
  --seconds n                      how long it is listened to [3]

${ACCOUNT_USAGE.replace(/ {2}--stun.*\n/, '')}

What is not given is skipped, and said so. Exit code 1 when something is wrong.`,

  async run(args, terminal) {
    const { values, words } = readArgs(args, FLAGS, { min: 0, max: 1, what: 'domain' });
    const { stun = [], ...account } = values;
    const options = botOptions(account, 'register', terminal);
    const seconds = numberOf('seconds', values.seconds, { min: 1, max: 60 }) ?? 3;
    const told: Finding[] = [];
    const tell = (...findings: Finding[]): void => {
      for (const finding of findings) {
        told.push(finding);
        terminal.out(`${MARK[finding.verdict]} ${finding.what}${finding.advice === undefined ? '' : `\n        -> ${finding.advice}`}`);
      }
    };
    const isOver = (): boolean => terminal.signal.aborted;

    tell(await runtime());
    tell(...localAddresses());
    tell(...(await signallingPorts(account.host, account.port)));
    tell(await mediaPorts(account.host, values['rtp-ports']));
    if (!isOver()) tell(...(await natByStun(stun, account.host)));
    const domain = words[0] ?? domainOf(options.registrar ?? options.outboundProxy ?? options.uri);
    if (!isOver()) tell(...(await namesOf(domain)));
    if (isOver()) return 1;
    const bot = new SipBot(options);
    try {
      const registered = await registration(bot, options);
      tell(...registered.findings);
      if (!isOver()) tell(...(await audioBothWays(bot, registered.isUp ? values.echo : undefined, { seconds, signal: terminal.signal })));
    } finally {
      await bot.stop();
    }
    return conclude(told, terminal);
  },
};

function conclude(told: readonly Finding[], terminal: Terminal): number {
  const wrong = told.filter(({ verdict }) => verdict === 'wrong').length;
  const skipped = told.filter(({ verdict }) => verdict === 'skipped').length;
  const rest = skipped === 0 ? '' : ` (${skipped} skipped)`;
  terminal.out(wrong === 0 ? `\nNothing wrong was found${rest}.` : `\n${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong${rest}.`);
  return wrong === 0 ? 0 : 1;
}

/** Of `sip:6001@pbx.example.com;transport=tcp`, `pbx.example.com:5070` or the name alone. */
function domainOf(text: string | undefined): string | undefined {
  return text
    ?.replace(/^sips?:/i, '')
    .replace(/^[^@]*@/, '')
    .replace(/[;?].*$/, '');
}
