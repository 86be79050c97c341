/** What the examples read from the environment, so that each of them is about one thing: SIP_URI, SIP_PASSWORD, SIP_REGISTRAR. */
import { fileURLToPath } from 'node:url';
import type { SipBot, SipBotOptions } from 'sipbot';

/** Without SIP_URI a bot listens on port 5060 and takes calls from this machine: call it with any softphone as sip:bot@127.0.0.1. */
export function fromEnvironment(): SipBotOptions {
  const { SIP_URI, SIP_PASSWORD, SIP_REGISTRAR } = process.env;
  if (SIP_URI === undefined) return { listen: [{ transport: 'udp', host: '127.0.0.1', port: 5060 }], logger: console };
  return {
    uri: SIP_URI,
    logger: console,
    ...(SIP_PASSWORD === undefined ? {} : { password: SIP_PASSWORD }),
    ...(SIP_REGISTRAR === undefined ? {} : { registrar: SIP_REGISTRAR }),
  };
}

/** Whether this file was started, and not imported by a test. */
export function isMain(url: string): boolean {
  return process.argv[1] === fileURLToPath(url);
}

/** Until the process is asked to end: then no new calls, and those there are get half a minute to end by themselves. A second signal ends at once. */
export async function run(bot: SipBot): Promise<void> {
  let isEnding = false;
  const end = (): void => {
    if (isEnding) process.exit(130);
    isEnding = true;
    void bot.stop({ drainMs: 30_000 });
  };
  process.on('SIGTERM', end).on('SIGINT', end);
  await bot.start();
}
