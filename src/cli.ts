/** The command `sipbot`: which command it is, what to say when it is none, and how a process ends. The commands are in `cli/`. */
import { call } from './cli/call.js';
import { type Command, UsageError } from './cli/command.js';
import { demo } from './cli/demo.js';
import { doctor } from './cli/doctor.js';
import { listen } from './cli/listen.js';
import { register } from './cli/register.js';
import { processTerminal, type Terminal } from './cli/terminal.js';
import { trace } from './cli/trace.js';
import { CallError, OptionError, SipBotError } from './errors.js';

const COMMANDS: readonly Command[] = [demo, call, register, listen, trace, doctor];

const HELP = `sipbot: a SIP user agent for the command line

Usage: sipbot <command> [options]

${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}

'sipbot <command> --help' says more. An account may be given by SIP_URI, SIP_PASSWORD and SIP_REGISTRAR instead of options.

Exit codes: 0 done, 1 it did not work, 2 the command line was wrong.`;

/** Runs one command line. Never throws; what went wrong is said, and in the code. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    terminal.out(HELP);
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) {
    terminal.note(`There is no command '${name}'. There are: ${COMMANDS.map((one) => one.name).join(', ')}.`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out(`${command.summary}\n\n${command.usage}`);
    return 0;
  }
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    return explain(error, command, terminal);
  }
}

function explain(error: unknown, command: Command, terminal: Terminal): number {
  const { message, code } = error as NodeJS.ErrnoException;
  if (error instanceof UsageError || error instanceof OptionError || code?.startsWith('ERR_PARSE_ARGS') === true) {
    terminal.note(`${message}\n'sipbot ${command.name} --help' says how it is meant.`);
    return 2;
  }
  if (error instanceof CallError && error.status > 0) terminal.note(`The call failed: ${error.message}${adviceFor(error.status)}`);
  else if (error instanceof SipBotError || code !== undefined) terminal.note(message);
  else terminal.note(`This should not have happened, please report it: ${(error as Error).stack ?? String(error)}`);
  return 1;
}

/** What a person should look at. */
function adviceFor(status: number): string {
  const words: Readonly<Record<number, string>> = {
    401: 'the password is wrong or missing',
    403: 'the far end does not take calls from here, or not to there',
    404: 'nobody has that number there',
    407: 'the password is wrong or missing',
    408: 'nobody answered; check the address, the port and the firewall',
    480: 'the callee is not registered, or not available',
    486: 'the line is busy',
    488: 'no codec in common, or encryption is wanted; see --codecs and --srtp',
    503: 'the server cannot be reached or takes no calls now',
  };
  return words[status] === undefined ? '' : ` (${words[status]})`;
}

/** The process: drains at the first SIGINT or SIGTERM, ends at the second. */
export async function main(): Promise<void> {
  const { terminal, close } = processTerminal(process);
  process.exitCode = await run(process.argv.slice(2), terminal);
  close();
}
