// We ask the other side to go elsewhere (RFC 3515, RFC 5589): blind, or to the far end of another call of ours (RFC 3891). Where it cannot, a bridge
// through us can keep the two together, and the result says so.
import type { InviteUsage } from '../sip/ua/invite-usage.js';
import type { ReferResult } from '../sip/ua/refer-progress.js';
import { bridgeCalls } from './bridge.js';
import type { CallSession } from './call-session.js';

export interface TransferOptions {
  /** What to do when the other side cannot, or will not, REFER. @default 'none' */
  readonly fallback?: 'none' | 'bridge';
  /** Places the call to the target for a bridge. @default by the same ways as this call */
  readonly dial?: (target: string) => CallSession;
  /** RFC 3892. @default who we are in this call */
  readonly referredBy?: string;
}

export interface TransferResult {
  /** 'completed': they talk without us. 'bridged': they talk through us. 'failed': this call goes on as it was. */
  readonly outcome: 'completed' | 'bridged' | 'failed';
  /** The last status heard: of the REFER, or of the call that it led to. */
  readonly status: number;
  readonly reason: string;
}

/** What a transfer needs of the call it is done to. */
export interface TransferSubject {
  readonly call: CallSession;
  readonly usage: InviteUsage;
  onAccepted(): void;
  onFailed(): void;
  onProgress(status: number, reason: string): void;
  /** A new call by the same ways, with the same options. */
  place(uri: string): CallSession;
  /** Ends a call that has gone on elsewhere. */
  release(call: CallSession): Promise<void>;
}

export async function transferCall(
  subject: TransferSubject,
  target: string | CallSession,
  options: TransferOptions,
): Promise<TransferResult> {
  const { usage } = subject;
  // §20.5: a peer that says what it takes, and does not say REFER, need not be asked when there is another way.
  const canRefer = usage.allows.size === 0 || usage.allows.has('REFER');
  if (!canRefer && options.fallback === 'bridge') return bridge(subject, target, options);
  const result = await refer(subject, target, options);
  return result === 'refused-and-bridge' ? bridge(subject, target, options) : result;
}

async function refer(
  subject: TransferSubject,
  target: string | CallSession,
  options: TransferOptions,
): Promise<TransferResult | 'refused-and-bridge'> {
  const { call, usage } = subject;
  const other = typeof target === 'string' ? undefined : target;
  const consulted = other?.usage;
  const progress = usage.refer({
    referTo: consulted === undefined ? `<${addressOf(target as string)}>` : `<${String(consulted.remoteTarget)}>`,
    referredBy: options.referredBy ?? `<${String(usage.local.uri)}>`,
    ...(consulted === undefined ? {} : { replaces: consulted.replacesValue }),
  });
  let last = { status: 0, reason: '' };
  const heard = (status: number, reason: string) => {
    last = { status, reason };
    subject.onProgress(status, reason);
  };
  progress.on('accepted', () => {
    subject.onAccepted();
    heard(202, 'Accepted');
  });
  progress.on('progress', (fragment) => heard(fragment.status, fragment.reason));
  // Who accepts and hangs up has gone; reports that may still come (RFC 5057 §4) change nothing for us.
  const gone = new Promise<ReferResult>((resolve) => call.once('ended', () => resolve({ outcome: 'unreported', ...last })));
  const { outcome, status, reason } = await Promise.race([progress.done, gone]);
  switch (outcome) {
    case 'refused':
      if (options.fallback === 'bridge' && call.state !== 'ended') return 'refused-and-bridge';
      return { outcome: 'failed', status, reason };
    case 'timeout':
      subject.onFailed();
      return { outcome: 'failed', status: status || 408, reason: reason || 'no report came' };
    case 'reported':
    case 'unreported': {
      // It ended before the REFER was accepted: that was a hang-up like any other.
      if (status === 0) return { outcome: 'failed', status, reason: 'the call has ended' };
      // Without a report, an acceptance is all there will ever be; a failure that was reported is one.
      if (status >= 300) {
        subject.onFailed();
        return { outcome: 'failed', status, reason };
      }
      await Promise.all([subject.release(call), other === undefined ? undefined : subject.release(other)]);
      return { outcome: 'completed', status: outcome === 'reported' ? status : Math.max(status, 202), reason: reason || 'Accepted' };
    }
  }
}

/** Both stay calls of ours, and hear each other through us until one of them hangs up. */
async function bridge(subject: TransferSubject, target: string | CallSession, options: TransferOptions): Promise<TransferResult> {
  const { call } = subject;
  const other = typeof target === 'string' ? (options.dial?.(target) ?? subject.place(addressOf(target))) : target;
  const joined = bridgeCalls(call, other, { hangup: 'together' });
  if (other.state === 'answered' || other.state === 'held') return { outcome: 'bridged', status: 200, reason: 'OK' };
  other.on('ringing', () => subject.onProgress(180, 'Ringing'));
  try {
    await other.answered;
    subject.onProgress(200, 'OK');
    return { outcome: 'bridged', status: 200, reason: 'OK' };
  } catch {
    joined.stop();
    const { status = 0, text = 'failed' } = other.end ?? {};
    return { outcome: 'failed', status, reason: text };
  }
}

/** A name-addr or a URI, as a URI. */
function addressOf(target: string): string {
  const open = target.indexOf('<');
  return open < 0 ? target : target.slice(open + 1, target.indexOf('>', open));
}
