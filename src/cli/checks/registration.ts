/** Whether the account can register, how long that takes, and how the registrar sees us (RFC 3581). */
import type { SipBot, SipBotOptions } from '../../bot.js';
import { RegistrationError } from '../../errors.js';
import { parse } from '../../sip/message/parse.js';
import { isParseFailure } from '../../sip/message/parse-failure.js';
import type { TraceEntry } from '../../sip/ua/user-agent-options.js';
import { type Finding, note, ok, skipped, wrong } from './finding.js';

const PATIENCE_MS = 10_000;

export interface Outcome {
  readonly findings: readonly Finding[];
  /** The bot runs, and may be called with. */
  readonly isUp: boolean;
}

export async function registration(bot: SipBot, { uri, register }: SipBotOptions): Promise<Outcome> {
  let sent: string | undefined;
  let seen: string | undefined;
  bot.on('trace', (entry: TraceEntry) => {
    const message = parse(entry.bytes);
    if (isParseFailure(message) || message.cseq?.method !== 'REGISTER') return;
    const [via] = message.vias;
    if (via === undefined) return;
    if (message.kind === 'request') sent ??= `${via.host}:${via.port ?? 5060}`;
    else if (via.received !== undefined || via.rport !== undefined) seen = `${via.received ?? via.host}:${via.rport ?? via.port ?? 5060}`;
  });
  const failures: Finding[] = [];
  bot.on('registrationFailed', ({ reason, advice }) => failures.push(wrong(`registration failed: ${reason}`, advice)));
  const began = performance.now();
  try {
    const isUp = await Promise.race([bot.start().then(() => true), patience()]);
    if (uri === undefined || register === false)
      return { findings: [skipped('registration', '--uri sip:user@host and SIP_PASSWORD try it')], isUp };
    if (!isUp) return { findings: failures.length > 0 ? failures.slice(-1) : [silent()], isUp: false };
    const took = Math.round(performance.now() - began);
    const findings: Finding[] = [ok(`${uri} is registered, in ${took} ms`)];
    if (seen !== undefined && sent !== undefined && seen !== sent)
      findings.push(
        note(
          `the registrar sees us at ${seen}, we said ${sent}`,
          'NAT between: publicAddress "auto" (--public-address auto) learns it from these answers',
        ),
      );
    return { findings, isUp };
  } catch (error) {
    if (!(error instanceof RegistrationError)) throw error;
    return { findings: [wrong('registration failed', error.message)], isUp: false };
  }
}

function silent(): Finding {
  return wrong(
    `the registrar does not answer within ${PATIENCE_MS / 1000} s`,
    'check its name and port, the transport, and the firewall between',
  );
}

function patience(): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), PATIENCE_MS).unref());
}
