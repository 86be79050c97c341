/** Drives one machine through a script and writes down every effect with its time; `arm` and `disarm` become timers that really fire. */
import type { TimerEffect } from '../../../src/sip/dialog/effects.js';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { SipRequest, SipResponse } from '../../../src/sip/message/message.js';

type Effect<Name extends string> = { readonly type: string } | TimerEffect<Name>;

interface Driven<Name extends string> {
  onTimer(timer: Name, now: number): readonly Effect<Name>[];
}

/** What happens at a time: a list of effects and a text are written down, anything else is not. */
export type Step<M> = readonly [at: number, input: (machine: M, now: number) => unknown];

/** The whole transcript, up to `until` or until no timer is left. */
export function drive<Name extends string, M extends object>(
  machine: M,
  steps: readonly Step<M>[],
  show: (effect: never) => string = (effect: { readonly type: string }) => effect.type,
  until = 10_000_000,
): string[] {
  const lines: string[] = [];
  const timers = new Map<Name, number>();
  const take = (now: number, effects: readonly { readonly type: string }[]): void => {
    for (const effect of effects) {
      const timed = effect as unknown as TimerEffect<Name>;
      if (timed.type === 'arm') timers.set(timed.timer, timed.at);
      else if (timed.type === 'disarm') timers.delete(timed.timer);
      else lines.push(`${now} ${show(effect as never)}`);
    }
  };
  const fireUntil = (limit: number): void => {
    for (;;) {
      const next = [...timers].filter(([, at]) => at <= limit).sort((a, b) => a[1] - b[1])[0];
      if (next === undefined) return;
      timers.delete(next[0]);
      take(next[1], (machine as Driven<Name>).onTimer(next[0], next[1]));
    }
  };
  for (const [at, input] of steps) {
    fireUntil(at - 0.001);
    const result = input(machine, at);
    if (typeof result === 'string') lines.push(`${at} ${result}`);
    else if (Array.isArray(result)) take(at, result);
  }
  fireUntil(until);
  if (timers.size > 0) lines.push(`armed: ${[...timers.keys()].sort().join(' ')}`);
  return lines;
}

export function request(method: string, headers: readonly HeaderEntry[] = [], body = '', cseq = 1): SipRequest {
  const made = new SipRequest(method, 'sip:bob@example.org', [
    ['Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1'],
    ['From', '<sip:alice@example.com>;tag=a'],
    ['To', '<sip:bob@example.org>'],
    ['Call-ID', 'call'],
    ['CSeq', `${cseq} ${method}`],
    ...headers,
  ]);
  return body === '' ? made : made.setBody('application/sdp', body);
}

export function response(
  status: number,
  headers: readonly HeaderEntry[] = [],
  tag: string | null = 'b',
  body = '',
  cseq = '1 INVITE',
): SipResponse {
  const made = new SipResponse(status, undefined, [
    ['Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1'],
    ['From', '<sip:alice@example.com>;tag=a'],
    ['To', `<sip:bob@example.org>${tag === null ? '' : `;tag=${tag}`}`],
    ['Call-ID', 'call'],
    ['CSeq', cseq],
    ...headers,
  ]);
  return body === '' ? made : made.setBody('application/sdp', body);
}
