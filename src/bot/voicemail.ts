/** Voicemail waiting (RFC 3842): what a message summary says, and the mailbox of an account, subscribed to or told of unasked. */

import { given } from '../session/given.js';
import type { CredentialSource } from '../sip/auth/digest-client.js';
import { bodyOf } from '../sip/ua/invite-body.js';
import type { OutgoingSubscription } from '../sip/ua/subscription-outgoing.js';
import type { UserAgent } from '../sip/ua/user-agent.js';

export const MESSAGE_SUMMARY = 'message-summary';
const SUMMARY_TYPE = 'application/simple-message-summary';
/** A summary is a few lines; what is longer is none. */
const MAX_BYTES = 8192;

export interface MessageSummary {
  readonly isWaiting: boolean;
  /** Voice messages; undefined where the server says only that there are some. */
  readonly newMessages: number | undefined;
  readonly oldMessages: number | undefined;
}

/** undefined: not a message summary (§5.2). */
export function parseMessageSummary(contentType: string, body: Uint8Array): MessageSummary | undefined {
  if (contentType.split(';', 1)[0]!.trim().toLowerCase() !== SUMMARY_TYPE || body.length > MAX_BYTES) return undefined;
  const fields = new Map<string, string>();
  for (const line of Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1').split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  const waiting = /^(yes|no)$/i.exec(fields.get('messages-waiting') ?? '')?.[1]?.toLowerCase();
  if (waiting === undefined) return undefined;
  const counts = /^(\d{1,9})[ \t]*\/[ \t]*(\d{1,9})(?!\d)/.exec(fields.get('voice-message') ?? '');
  return {
    isWaiting: waiting === 'yes',
    newMessages: counts === null ? undefined : Number(counts[1]),
    oldMessages: counts === null ? undefined : Number(counts[2]),
  };
}

export interface MailboxOptions {
  readonly uri: string;
  /** From, as a name-addr. */
  readonly from: string;
  readonly credentials: CredentialSource | undefined;
  /** Where requests of the account begin, at the time of asking. */
  route(): readonly string[];
  /** Something changed, or this is the first that is known. */
  onSummary(summary: MessageSummary): void;
  /** The server will not tell; it may still do so unasked. */
  onRefused(reason: string): void;
}

export class Mailbox {
  readonly #agent: UserAgent;
  readonly #options: MailboxOptions;
  #subscription: OutgoingSubscription | undefined;
  #last: MessageSummary | undefined;

  constructor(agent: UserAgent, options: MailboxOptions) {
    this.#agent = agent;
    this.#options = options;
  }

  /** Asks to be told; again when an earlier wish came to nothing. */
  subscribe(): void {
    if (this.#subscription !== undefined) return;
    const { uri, from, credentials, route, onRefused } = this.#options;
    const subscription = this.#agent.subscribe({
      uri,
      from,
      to: `<${uri}>`,
      event: MESSAGE_SUMMARY,
      accept: [SUMMARY_TYPE],
      route: route(),
      ...given({ credentials }),
    });
    this.#subscription = subscription;
    subscription.on('notified', (request) => {
      const body = bodyOf(request);
      if (body !== undefined) this.onNotify(body.contentType, body.bytes);
    });
    subscription.on('ended', ({ reason, response }) => {
      if (this.#subscription !== subscription) return;
      this.#subscription = undefined;
      if (reason !== 'unsubscribed' && reason !== 'closed')
        onRefused(response === undefined ? reason : `${response.status} ${response.reason}`);
    });
  }

  unsubscribe(): void {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    subscription?.unsubscribe();
  }

  /** Told, asked for or not. False: that was no message summary. */
  onNotify(contentType: string, body: Uint8Array): boolean {
    const summary = parseMessageSummary(contentType, body);
    if (summary === undefined) return false;
    const last = this.#last;
    this.#last = summary;
    const isNews =
      last === undefined ||
      last.isWaiting !== summary.isWaiting ||
      last.newMessages !== summary.newMessages ||
      last.oldMessages !== summary.oldMessages;
    if (isNews) this.#options.onSummary(summary);
    return true;
  }
}
