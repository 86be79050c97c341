/** What all speech services have in common: a key that is said to them and to nobody else, and the roads to them. */
import { type Clock, systemClock } from '../../clock.js';
import { OptionError, SipBotError } from '../../errors.js';
import { type Logger, silentLogger } from '../../log.js';
import { type Random, systemRandom } from '../../random.js';
import type { Fetch, HttpOptions } from '../wire/http.js';
import { type WireOpener, withoutKeys } from '../wire/message-wire.js';
import { openWebSocket } from '../wire/web-socket.js';

export interface ServiceOptions {
  readonly apiKey: string;
  /** Another address of the service, or of one that speaks like it. */
  readonly url?: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** For tests, and for roads of your own. @default a WebSocket, and the platform's fetch */
  readonly connect?: WireOpener;
  readonly fetch?: Fetch;
}

export interface Service extends HttpOptions {
  readonly name: string;
  readonly logger: Logger;
  readonly random: Random;
  readonly connect: WireOpener;
}

export function serviceOf(name: string, options: ServiceOptions): Service {
  if (!options.apiKey) throw new OptionError('apiKey', `must be the key of ${name}`);
  if (options.url !== undefined && !/^(https?|wss?):\/\//.test(options.url))
    throw new OptionError('url', 'must be an http(s) or ws(s) URL');
  const { logger = silentLogger, clock = systemClock, random = systemRandom, connect = openWebSocket, fetch } = options;
  return { name, logger, clock, random, connect, ...(fetch !== undefined && { fetch }) };
}

/** `base` is an address with or without a path of its own; http and ws are one to us. */
export function addressOf(
  base: string,
  scheme: 'http' | 'ws',
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const url = new URL(base.replace(/^(http|ws)/, scheme));
  url.pathname = url.pathname.replace(/\/$/, '') + path;
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

export function serviceError({ name }: Service, why: string): SipBotError {
  return new SipBotError('ERR_SERVICE', `${name} failed: ${withoutKeys(why)}`);
}
