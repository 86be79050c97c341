/** Records a trace: a bot on real sockets, an actor that moves it, and every message as it goes by. Passwords, digests and certificates are not in it. */
import { SipBot, type SipBotOptions } from '../../src/bot.js';
import { type Datagram, writePcap } from '../../src/trace/pcap.js';
import { Actor } from './actor.js';
import { type TraceEvent, type TraceFile, writeTrace } from './trace-file.js';

/** Of two directions' one: five seconds. */
const MOST_PACKETS = 250;

export class Recording {
  readonly bot: SipBot;
  readonly actor: Actor;
  readonly #options: SipBotOptions;
  readonly #events: TraceEvent[] = [];
  readonly #rtp: Datagram[] = [];
  readonly #began = performance.now();

  /** With media, the RTP that comes in is kept too: the first seconds of it. */
  constructor(options: SipBotOptions, media: 'with media' | 'signalling only' = 'signalling only') {
    this.#options = options;
    this.bot = new SipBot(options);
    // First of all listeners: what the application is told comes after the message that tells it.
    this.bot.on('trace', ({ direction, transport, local, remote, bytes }) =>
      this.#events.push({
        type: direction,
        atMs: this.#now(),
        transport,
        local: `${local.address}:${local.port}`,
        remote: `${remote.address}:${remote.port}`,
        text: Buffer.from(bytes).toString('latin1'),
      }),
    );
    this.actor = new Actor(this.bot, (words) => this.#events.push({ type: 'told', atMs: this.#now(), words }));
    if (media === 'with media')
      this.actor.onCall = (call) => {
        call.capture(({ direction, bytes, local, remote }) => {
          if (direction === 'in' && isRtp(bytes) && this.#rtp.length < MOST_PACKETS)
            this.#rtp.push({ from: remote, to: local, bytes, wall: this.#now() });
        });
      };
  }

  /** Notes a line, and does it. */
  do(line: string): void {
    this.#events.push({ type: 'do', atMs: this.#now(), words: line });
    this.actor.perform(line);
  }

  /** Something has been told; undefined: not within the time. */
  async told(pattern: RegExp, limitMs = 15_000): Promise<string | undefined> {
    const until = performance.now() + limitMs;
    for (let from = 0; performance.now() < until; ) {
      for (; from < this.#events.length; from++) {
        const event = this.#events[from]!;
        if (event.type === 'told' && pattern.test(event.words)) return event.words;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return undefined;
  }

  /** The start lines and the words so far. */
  get story(): string[] {
    return this.#events.map((event) =>
      'words' in event ? `${event.type} ${event.words}` : `${event.type} ${event.text.split('\r\n')[0]}`,
    );
  }

  write(shows: string, peer: string): string {
    const { password, logger: _logger, threads: _threads, tls: _tls, ...rest } = this.#options;
    const bot: SipBotOptions = password === undefined ? rest : { ...rest, password: 'secret' };
    const file: TraceFile = { shows, peer, bot, events: this.#events.map(withUsableKeys) };
    return writeTrace(file);
  }

  /** What came in, stamped with milliseconds since the beginning; undefined where there was none. */
  pcap(): Uint8Array | undefined {
    return this.#rtp.length === 0 ? undefined : writePcap(this.#rtp);
  }

  #now(): number {
    return performance.now() - this.#began;
  }
}

/** The bot blanks SRTP keys; in what they sent a key of zeros takes the place, or nobody could answer it. */
function withUsableKeys(event: TraceEvent): TraceEvent {
  if (event.type !== 'in') return event;
  return {
    ...event,
    text: event.text.replace(/(inline:)(\*+)/g, (_whole, before: string, blank: string) => before + 'A'.repeat(blank.length)),
  };
}

/** RFC 5761 §4. */
function isRtp(bytes: Uint8Array): boolean {
  return bytes.length > 12 && bytes[0]! >> 6 === 2 && !(bytes[1]! >= 192 && bytes[1]! <= 223);
}
