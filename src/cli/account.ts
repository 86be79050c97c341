/** The options that all commands with a bot share: who we are, and where we are on the network. */
import type { SipBotOptions } from '../bot.js';
import type { CodecName } from '../codec/codec.js';
import { codecNames } from '../codec/registry.js';
import type { TransportName } from '../sip/transport/transport.js';
import { numberOf, oneOf, UsageError } from './command.js';
import { noteLogger, type Terminal } from './terminal.js';

export const ACCOUNT_FLAGS = {
  uri: { type: 'string' },
  password: { type: 'string' },
  user: { type: 'string' },
  registrar: { type: 'string' },
  proxy: { type: 'string' },
  transport: { type: 'string' },
  host: { type: 'string' },
  port: { type: 'string' },
  'public-address': { type: 'string' },
  stun: { type: 'string' },
  codecs: { type: 'string' },
  srtp: { type: 'string' },
} as const;

export const ACCOUNT_USAGE = `Account:
  --uri sip:6001@pbx.example.com   who we are (or SIP_URI)
  --password …                     better as SIP_PASSWORD: other users of this machine can read command lines
  --user …                         what digest calls us, if it is not the user of the uri
  --registrar host[:port]          if it is not the domain of the uri (or SIP_REGISTRAR)
  --proxy host[:port]              everything goes through here first
Network:
  --transport udp|tcp|tls|ws|wss   of ours [udp]
  --host address, --port number    what we listen on [all addresses, any free port]
  --public-address address|auto    what others see of us behind NAT
  --stun host[:port]               asked for it, with 'auto'
Media:
  --codecs opus,g722,pcmu,pcma     offered in this order
  --srtp off|accept|optional|required`;

const TRANSPORTS: readonly TransportName[] = ['udp', 'tcp', 'tls', 'ws', 'wss'];
const SRTP = ['off', 'accept', 'optional', 'required'] as const;

export type AccountValues = { readonly [name in keyof typeof ACCOUNT_FLAGS]?: string | undefined };

/** What was given, as SipBot wants it. `register`: whether the account is registered when there is one. */
export function botOptions(values: AccountValues, register: 'register' | 'only-call', terminal: Terminal): SipBotOptions {
  const { env } = terminal;
  const uri = values.uri ?? env.SIP_URI;
  const password = values.password ?? env.SIP_PASSWORD;
  const registrar = values.registrar ?? env.SIP_REGISTRAR;
  const publicAddress = values['public-address'] ?? (values.stun === undefined ? undefined : 'auto');
  const transport = oneOf('transport', values.transport, TRANSPORTS) ?? 'udp';
  const port = numberOf('port', values.port, { min: 0, max: 65_535 });
  const srtp = oneOf('srtp', values.srtp, SRTP);
  return {
    logger: noteLogger(terminal),
    threads: 1,
    listen: [{ transport, ...defined({ host: values.host, port }) }],
    ...defined({ rtpHost: values.host, srtp, publicAddress, stunServer: values.stun, codecs: codecsOf(values.codecs) }),
    ...(uri === undefined
      ? {}
      : {
          uri: withTransport(uri.includes(':') ? uri : `sip:${uri}`, values.transport, registrar ?? values.proxy),
          register: register === 'register',
          ...defined({ password, registrar, authUser: values.user, outboundProxy: values.proxy }),
        }),
  };
}

/** Without a registrar or proxy that says otherwise, the transport asked for is how the domain is reached. */
function withTransport(uri: string, transport: string | undefined, server: string | undefined): string {
  return transport === undefined || transport === 'udp' || server !== undefined || uri.includes(';')
    ? uri
    : `${uri};transport=${transport}`;
}

function codecsOf(text: string | undefined): readonly CodecName[] | undefined {
  if (text === undefined) return undefined;
  return text.split(',').map((name) => {
    const found = codecNames.find((known) => known === name.trim().toLowerCase());
    if (found === undefined) throw new UsageError(`--codecs takes a list of ${codecNames.join(', ')}.`);
    return found;
  });
}

/** Only the fields that have a value. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
