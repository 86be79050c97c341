/** IP addresses as numbers: which version a text is, whether two are the same, and sets of subnets (RFC 4291 §2.2, RFC 4632). */

/** 4, 6, or 0 for anything else. Brackets and zone indexes are not part of an address. */
export function isIP(text: string): 4 | 6 | 0 {
  if (parseIPv4(text) !== undefined) return 4;
  return parseIPv6(text) !== undefined ? 6 : 0;
}

/** `[::1]` as `::1`; anything else as it is. */
export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** A host as it stands in a URI or a Via: IPv6 in brackets. */
export function hostTextOf(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}

/** The one spelling we compare and key by: an IPv4-mapped IPv6 address is the IPv4 address it stands for; no zone. */
export function plainAddress(address: string): string {
  const zone = address.indexOf('%');
  const bare = zone === -1 ? address : address.slice(0, zone);
  return bare.length > 7 && /^::ffff:\d/i.test(bare) ? bare.slice(7) : bare;
}

export function isSameAddress(a: string, b: string): boolean {
  if (a === b) return true;
  const left = addressBits(withoutBrackets(a));
  return left !== undefined && left === addressBits(withoutBrackets(b));
}

export function isLoopback(address: string): boolean {
  return LOOPBACK.has(address);
}

export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

interface Subnet {
  readonly bits: bigint;
  readonly shift: bigint;
}

/** Whether a socket bound to `bound` could send to `remote` at all: same family, and the loopback only to the loopback. */
export function canReach(bound: string, remote: string): boolean {
  return isIP(bound) === isIP(remote) && (!isLoopback(bound) || isLoopback(remote));
}

/** A set of CIDR blocks; a bare address is a block of one. IPv4 lives at ::ffff:0:0/96, so `0.0.0.0/0` never holds an IPv6 address. */
export class Subnets {
  /** By how much of an address does not count: a list of thousands costs no more than a look for each length of prefix. */
  readonly #byShift = new Map<bigint, Set<bigint>>();

  /** Throws TypeError on what is no CIDR: callers turn it into an OptionError that names the option. */
  constructor(cidrs: readonly string[]) {
    for (const { bits, shift } of cidrs.map(parseCidr)) {
      const known = this.#byShift.get(shift);
      if (known === undefined) this.#byShift.set(shift, new Set([bits]));
      else known.add(bits);
    }
  }

  has(address: string): boolean {
    if (this.#byShift.size === 0) return false;
    const bits = addressBits(withoutBrackets(plainAddress(address)));
    if (bits === undefined) return false;
    for (const [shift, blocks] of this.#byShift) if (blocks.has(bits >> shift)) return true;
    return false;
  }
}

function parseCidr(text: string): Subnet {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const version = isIP(address);
  const width = version === 4 ? 32 : 128;
  const prefix = slash === -1 ? width : /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : -1;
  if (version === 0 || prefix < 0 || prefix > width) throw new TypeError(`"${text}" is neither an address nor a CIDR block`);
  const shift = BigInt(width - prefix);
  return { bits: addressBits(address)! >> shift, shift };
}

const IPV4_MAPPED = 0xffffn << 32n;

/** 128 bits; IPv4 as IPv4-mapped, so that both spellings of one address are equal. */
function addressBits(text: string): bigint | undefined {
  const four = parseIPv4(text);
  return four !== undefined ? IPV4_MAPPED | BigInt(four) : parseIPv6(text);
}

function parseIPv4(text: string): number | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  let value = 0;
  let octet = -1;
  let octets = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 46;
    if (code === 46) {
      if (octet < 0 || octet > 255 || octets === 4) return undefined;
      value = value * 256 + octet;
      octets++;
      octet = -1;
    } else if (code >= 48 && code <= 57) {
      octet = octet < 0 ? code - 48 : octet * 10 + code - 48;
    } else return undefined;
  }
  return octets === 4 ? value : undefined;
}

function parseIPv6(text: string): bigint | undefined {
  if (text.length < 2 || text.length > 45 || !text.includes(':')) return undefined;
  const gap = text.indexOf('::');
  if (gap !== -1 && text.indexOf('::', gap + 1) !== -1) return undefined;
  const head = parseGroups(gap === -1 ? text : text.slice(0, gap), gap === -1);
  const tail = gap === -1 ? [] : parseGroups(text.slice(gap + 2), true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (gap === -1 ? missing !== 0 : missing < 1) return undefined;
  let value = 0n;
  for (const group of [...head, ...new Array<number>(missing).fill(0), ...tail]) value = (value << 16n) | BigInt(group);
  return value;
}

function parseGroups(text: string, mayEndInIPv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const four = mayEndInIPv4 && i === parts.length - 1 ? parseIPv4(part) : undefined;
    if (four === undefined) return undefined;
    groups.push(four >>> 16, four & 0xffff);
  }
  return groups;
}

const LOOPBACK = new Subnets(['127.0.0.0/8', '::1']);

/** RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 §2.5.6 and the loopbacks: peers there see our own address. */
export const PRIVATE_NETWORKS: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1',
];
