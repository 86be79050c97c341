/** A wire that changes SIP on its way, as a fuzzer's bytes say: within the grammar more often than without, so that what is changed gets far. */
import type { DatagramOptions, DatagramSocket, Network } from '../../src/network.js';
import type { Choices } from './target.js';

const HEADERS = [
  ...[
    'Via',
    'From',
    'To',
    'Call-ID',
    'CSeq',
    'Contact',
    'Route',
    'Record-Route',
    'Max-Forwards',
    'Content-Length',
    'Content-Type',
    'Require',
  ],
  ...[
    'Supported',
    'Session-Expires',
    'Min-SE',
    'RAck',
    'RSeq',
    'Refer-To',
    'Referred-By',
    'Replaces',
    'Event',
    'Subscription-State',
    'Expires',
  ],
  ...[
    'Authorization',
    'WWW-Authenticate',
    'Proxy-Authenticate',
    'Retry-After',
    'Reason',
    'Allow',
    'Content-Disposition',
    'Service-Route',
    'Path',
  ],
];
const VALUES = [
  ...[
    '',
    '0',
    '1',
    '2',
    '90',
    '4294967295',
    '99999999999999999999',
    '-1',
    '*',
    '<',
    '"',
    ';;;',
    '\u00e9',
    'x',
    'timer',
    '100rel',
    '1 1 INVITE',
    '2 1 BYE',
  ],
  ...[
    '<sip:c@10.0.0.2>',
    'sip:c@10.0.0.1',
    '<sip:c@10.0.0.1?Replaces=x>',
    '<sips:x@[::1]>',
    '<mailto:a@b>',
    '<sip:10.0.0.2;lr>',
    '<sip:10.0.0.99;lr>',
  ],
  ...[
    'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1',
    'SIP/2.0/TCP 10.0.0.99;branch=x;rport',
    '600;refresher=uac',
    '90;refresher=nobody',
    'refer;id=1',
  ],
  ...[
    'active;expires=0',
    'terminated;reason=noresource',
    'message-summary',
    'application/sdp',
    'multipart/mixed;boundary=x',
    'message/sipfrag',
  ],
  ...['x;to-tag=1;from-tag=2', 'Digest realm="x", nonce="y", algorithm=SHA-256, qop="auth-int"', 'Digest realm="', 'Q.850;cause=16;text="'],
];
const METHODS = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'PRACK',
  'UPDATE',
  'INFO',
  'REFER',
  'NOTIFY',
  'SUBSCRIBE',
  'MESSAGE',
  'OPTIONS',
  'REGISTER',
  'PUBLISH',
  'X',
];
const STATUSES = [
  100, 180, 181, 183, 199, 200, 202, 300, 302, 305, 401, 404, 407, 408, 415, 420, 422, 423, 481, 486, 487, 488, 491, 500, 503, 600, 699,
];
const LINES = [
  ...[
    'm=audio 0 RTP/AVP 0',
    'm=audio 4000 RTP/SAVP 0',
    'm=video 4000 RTP/AVP 96',
    'c=IN IP4 0.0.0.0',
    'c=IN IP6 ::1',
    'c=IN IP4 host.invalid',
  ],
  ...[
    'a=sendonly',
    'a=recvonly',
    'a=inactive',
    'a=rtpmap:0 PCMU/8000',
    'a=ptime:4294967295',
    'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x',
    'v=1',
    'o=',
  ],
];

type Edit = (text: string, choices: Choices) => string;

const EDITS: readonly Edit[] = [
  (text, choices) => {
    const at = choices.below(text.length + 1);
    return text.slice(0, at) + String.fromCharCode(choices.byte()) + text.slice(at + 1);
  },
  (text, choices) => text.slice(0, choices.below(text.length + 1)),
  (text, choices) => changeLine(text, choices, () => []),
  (text, choices) => changeLine(text, choices, (line) => [line, line]),
  (text, choices) => changeLine(text, choices, (line) => [line.replace(/:.*/, `: ${choices.of(VALUES)}`)]),
  (text, choices) => text.replace('\r\n', `\r\n${choices.of(HEADERS)}: ${choices.of(VALUES)}\r\n`),
  (text, choices) => text.replace(/^[A-Z]+(?= sip)/, choices.of(METHODS)),
  (text, choices) => text.replace(/^SIP\/2.0 \d+/, `SIP/2.0 ${choices.of(STATUSES)}`),
  (text, choices) => text.replace(/(CSeq: *)\d+ \w+/i, `$1${choices.below(8)} ${choices.of(METHODS)}`),
  (text, choices) =>
    text.replace(/;tag=[^;\r]*/g, (tag) => (choices.byte() % 2 === 0 ? tag : choices.of(['', ';tag=', ';tag=x', `${tag}x`]))),
  (text, choices) => text.replace(/(branch=z9hG4bK)[^;\r]*/, `$1${choices.byte()}`),
  (text, choices) => withBody(text, (body) => body.replace(/\r\n/, `\r\n${choices.of(LINES)}\r\n`)),
  (text, choices) => withBody(text, (body) => changeLine(body, choices, () => [choices.of(LINES)])),
  (text) => withBody(text, () => ''),
];

function changeLine(text: string, choices: Choices, change: (line: string) => readonly string[]): string {
  const lines = text.split('\r\n');
  const at = choices.below(lines.length);
  lines.splice(at, 1, ...change(lines[at]!));
  return lines.join('\r\n');
}

/** The length is told as it is. */
function withBody(text: string, change: (body: string) => string): string {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return text;
  const body = change(text.slice(end + 4));
  return `${text.slice(0, end).replace(/(Content-Length: *)\d+/i, `$1${body.length}`)}\r\n\r\n${body}`;
}

/** Messages seen, to come again when nobody expects them. */
const REMEMBERED = 64;

export class Tamper {
  isOn = false;
  readonly #choices: Choices;
  readonly #seen: Uint8Array[] = [];

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  around(network: Network): Network {
    return {
      datagram: async (options: DatagramOptions) => {
        const socket = await network.datagram(options);
        return options.port === 5060 ? this.#tampered(socket) : socket;
      },
      connect: (options) => network.connect(options),
      listen: (options, accept) => network.listen(options, accept),
    };
  }

  #tampered(socket: DatagramSocket): DatagramSocket {
    const send = socket.send.bind(socket);
    socket.send = (bytes, offset, length, port, address) => {
      if (!this.isOn || this.#choices.isOver) send(bytes, offset, length, port, address);
      else for (const changed of this.#change(bytes.slice(offset, offset + length))) send(changed, 0, changed.length, port, address);
    };
    return socket;
  }

  #change(bytes: Uint8Array): readonly Uint8Array[] {
    const choices = this.#choices;
    if (this.#seen.length < REMEMBERED) this.#seen.push(bytes);
    const whim = choices.byte();
    if (whim < 150) return [bytes];
    if (whim < 160) return [];
    if (whim < 175) return [bytes, choices.of(this.#seen)];
    let text = Buffer.from(whim < 185 ? choices.of(this.#seen) : bytes).toString('latin1');
    for (let edits = 1 + (whim % 3); edits > 0; edits--) text = choices.of(EDITS)(text, choices);
    const changed = Buffer.from(text, 'latin1');
    return whim % 2 === 0 ? [changed] : [changed, bytes];
  }
}
