/** Which way out a dialled target takes. Named first; else a SIP URI goes to its own domain through that domain's account; else a number to the first trunk, then the first account. */
import { OptionError } from '../errors.js';
import { parseUri, Uri } from '../sip/message/uri.js';
import { parseServer, type ResolvedAccount, type ResolvedTrunk } from './resolve-options.js';

export interface WaysOut {
  readonly accounts: readonly ResolvedAccount[];
  readonly trunks: readonly ResolvedTrunk[];
}

export interface Named {
  /** An account's URI, or its user. */
  readonly account?: string | undefined;
  readonly trunk?: string | undefined;
}

export interface WayOut {
  /** What to send, most wanted first: one for each host of a trunk. */
  readonly uris: readonly Uri[];
  readonly account: ResolvedAccount | undefined;
  readonly trunk: ResolvedTrunk | undefined;
}

export function chooseWayOut(target: string, named: Named, ways: WaysOut): WayOut {
  const dialled = parseTarget(target);
  if (named.trunk !== undefined && named.account !== undefined) throw new OptionError('trunk', 'name a trunk or an account, not both');
  if (named.trunk !== undefined) {
    const trunk = ways.trunks.find(({ name }) => name === named.trunk);
    if (trunk === undefined) throw new OptionError('trunk', `'${named.trunk}' is not there; ${whatIsThere(ways)}`);
    return throughTrunk(trunk, dialled);
  }
  if (named.account !== undefined) {
    const wanted = named.account;
    const account = ways.accounts.find(({ uri, user }) => uri === wanted || user === wanted);
    if (account === undefined) throw new OptionError('account', `'${wanted}' is not there; ${whatIsThere(ways)}`);
    return throughAccount(account, dialled);
  }
  if (dialled.uri !== undefined) {
    const { uri } = dialled;
    const account = ways.accounts.find(({ address }) => isSameDomain(address, uri));
    return { uris: [uri], account, trunk: undefined };
  }
  if (ways.trunks[0] !== undefined) return throughTrunk(ways.trunks[0], dialled);
  if (ways.accounts[0] !== undefined) return throughAccount(ways.accounts[0], dialled);
  throw new OptionError('target', `a number needs a trunk or an account to go through; ${whatIsThere(ways)}`);
}

/** Where the far end shall be sent: what can be dialled; a bare number is one of theirs. */
export function transferTarget(target: string, { scheme, host, port }: Uri): string {
  const { uri, user } = parseTarget(target);
  if (uri !== undefined || /^\s*tel:/i.test(target)) return target.trim();
  return new Uri({ scheme, user, host, port }).toString();
}

interface Dialled {
  /** A SIP URI as it stands. */
  readonly uri: Uri | undefined;
  /** The user to ask for where the domain is the way's own. */
  readonly user: string;
}

function parseTarget(target: string): Dialled {
  if (typeof target !== 'string') throw new OptionError('target', "must be 'sip:…', 'tel:…' or a number");
  const text = target.trim();
  const number = /^tel:/i.test(text) ? numberOf(text.slice(4).split(';', 1)[0]!) : /^sips?:/i.test(text) ? undefined : numberOf(text);
  if (number !== undefined) return { uri: undefined, user: number };
  const uri = /^sips?:/i.test(text) ? parseUri(text) : undefined;
  if (uri === undefined || uri.host === '') throw new OptionError('target', "must be 'sip:user@host', 'tel:+15550100' or a number");
  return { uri, user: uri.user ?? '' };
}

/** Digits, +, * and #; what people write between them is left out. undefined: not a number. */
function numberOf(text: string): string | undefined {
  if (text.length > 64 || !/^[+\d*#()./ -]+$/.test(text)) return undefined;
  const number = text.replace(/[()./ -]/g, '');
  return /^\+?[\d*#]+$/.test(number) ? number : undefined;
}

function throughTrunk(trunk: ResolvedTrunk, { user }: Dialled): WayOut {
  const number = trunk.numbers?.(user) ?? user;
  const uris = trunk.hosts.map((host) => {
    const server = parseServer(host)!;
    const params =
      trunk.transport === 'udp' || server.params.has('transport') ? server.params : server.params.with('transport', trunk.transport);
    return new Uri({ scheme: server.scheme, user: number, host: server.host, port: server.port, params });
  });
  return { uris, account: undefined, trunk };
}

function throughAccount(account: ResolvedAccount, { uri, user }: Dialled): WayOut {
  const { scheme, host, port, params } = account.address;
  return { uris: [uri ?? new Uri({ scheme, user, host, port, params })], account, trunk: undefined };
}

function isSameDomain(ours: Uri, theirs: Uri): boolean {
  return (
    ours.host.toLowerCase() === theirs.host.toLowerCase() &&
    (ours.port === theirs.port || theirs.port === undefined || ours.port === undefined)
  );
}

function whatIsThere({ accounts, trunks }: WaysOut): string {
  const names = [...accounts.map(({ uri }) => `account '${uri}'`), ...trunks.map(({ name }) => `trunk '${name}'`)];
  return names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`;
}
