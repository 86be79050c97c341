/**
 * When two messages of ours are the same: letter by letter, but for what is drawn anew each time. A drawn value may be another, yet the same one
 * must stand wherever the same one stood: tags, branches and Call-IDs are numbered as they first appear, on each side, and the numbers compared.
 */

interface Kind {
  readonly name: string;
  /** Group 1 before, group 2 the value. */
  readonly pattern: RegExp;
}

/** What may vary. */
const KINDS: readonly Kind[] = [
  { name: 'branch', pattern: /(;branch=)([^;,\s>]+)/gi },
  { name: 'tag', pattern: /(;[ft]?tag=)([^;,\s>?]+)/gi },
  { name: 'tag', pattern: /((?:from|to)-tag(?:=|%3D))([\w.~!*'()-]+)/gi },
  { name: 'call-id', pattern: /(\r\nCall-ID: )([^\r\n]+)/gi },
  { name: 'call-id', pattern: /([?&]Replaces=)([^%]+)/gi },
  { name: 'call-id', pattern: /(\r\nReplaces: )([^;\r\n]+)/gi },
  { name: 'user', pattern: /(\r\n(?:Contact|Referred-By|To|From): [^\r\n]*?<sips?:)([\w.~-]{16,})(?=@)/gi },
  // RFC 7118 §5: a name for who has no address.
  { name: 'host', pattern: /([ @])([\da-z]{16,})(?=\.invalid)/gi },
  // Derived from the account, whose password is not in a trace.
  { name: 'instance', pattern: /(\+sip\.instance="<urn:uuid:)([\da-f-]+)/gi },
  { name: 'rseq', pattern: /(\r\nRSeq: )(\d+)/gi },
  { name: 'session', pattern: /(\r\no=\S+ )(\d+)(?= \d+ IN)/gi },
  // A connection of ours leaves from any port.
  { name: 'port', pattern: /(\r\nVia: SIP\/2\.0\/(?:TCP|TLS|WSS?) [^;\r\n]*:)(\d+)(?=;)/g },
  { name: 'port', pattern: /(\r\nContact: [^\r\n]*:)(\d+)(?=;transport=(?:tcp|tls|wss?))/g },
  { name: 'port', pattern: /(\r\nm=audio )(\d+)/gi },
  { name: 'port', pattern: /(\r\na=rtcp:)(\d+)/gi },
];
/** Left out of traces by the bot itself, for they are secret or made of what is. */
const SECRET = /((?:response|cnonce|nonce)=")[^"]*|(inline:)[^\s|]+/g;
/** Lengths follow from what varies. */
const LENGTH = /(\r\nContent-Length: )\d+/i;

export class Drawn {
  readonly #numbers = new Map<string, Map<string, number>>();
  /** As it came, in order of appearance: the n-th of one side stands for the n-th of the other. */
  readonly #values: string[] = [];

  /** The message with every drawn value as its number. */
  plain(text: string): string {
    let shown = text.replace(SECRET, '$1$2*').replace(LENGTH, '$1*');
    for (const { name, pattern } of KINDS) {
      shown = shown.replace(pattern, (_whole, before: string, value: string) => `${before}${this.#number(name, decoded(value))}`);
    }
    // What we were called by it comes back in other places too.
    for (const [name, numbers] of this.#numbers)
      for (const [value, number] of numbers) if (value.length >= 16) shown = shown.replaceAll(value, `<${name} ${number}>`);
    return shown;
  }

  get values(): readonly string[] {
    return this.#values;
  }

  #number(kind: string, value: string): string {
    let numbers = this.#numbers.get(kind);
    if (numbers === undefined) {
      numbers = new Map();
      this.#numbers.set(kind, numbers);
    }
    let number = numbers.get(value);
    if (number === undefined) {
      number = this.#values.push(value);
      numbers.set(value, number);
    }
    return `<${kind} ${number}>`;
  }
}

/** Their message, speaking of our values instead of the recorded ones. */
export function retold(text: string, recorded: Drawn, actual: Drawn): string {
  const to = new Map<string, string>();
  for (const [i, value] of recorded.values.entries()) {
    const mine = actual.values[i];
    if (mine !== undefined && mine !== value && value.length >= 4) to.set(value, mine);
  }
  if (to.size === 0) return text;
  const found = [...to.keys()].sort((a, b) => b.length - a.length).map((value) => value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  // RTP ports and session ids are ours alone; only what the peer says back of us is put in.
  const replaced = text.replace(new RegExp(found.join('|'), 'g'), (value) => to.get(value)!);
  return replaced.replace(/(\r\nContent-Length: *)\d+/i, (_whole, before: string) => `${before}${bodyLength(replaced)}`);
}

function bodyLength(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  return end === -1 ? 0 : text.length - end - 4;
}

function decoded(value: string): string {
  return value.replace(/%40/g, '@');
}
