// The keys pressed and the texts sent within a call, both ways: RFC 4733 events, tones in the audio, INFO, MESSAGE.
import type { DtmfDigit } from '../codec/dtmf-keypad.js';
import { CallError, OptionError } from '../errors.js';
import type { SipRequest } from '../sip/message/message.js';
import type { RequestReply } from '../sip/ua/invite-usage.js';
import type { CallInside } from './call-inside.js';
import { DtmfMerge, type DtmfWay, parseDtmfRelay, RELAY_TYPES, writeDtmfRelay } from './dtmf-relay.js';
import { given } from './given.js';

export interface SendDtmfOptions {
  /** 'auto': RFC 4733, or tones in the audio where that was not agreed. @default 'auto' */
  readonly via?: 'auto' | 'info';
  readonly durationMs?: number;
  readonly gapMs?: number;
}

export class CallKeys {
  readonly #inside: CallInside;
  #merge: DtmfMerge | undefined;

  constructor(inside: CallInside) {
    this.#inside = inside;
  }

  /** Resolves when the last tone is out. By INFO, one key after the other, where that is asked for. */
  async send(digits: string, { via = 'auto', durationMs, gapMs }: SendDtmfOptions): Promise<void> {
    const { call, error } = this.#inside;
    if (call.state === 'ended') throw error();
    if (via === 'info') {
      for (const digit of digits.toUpperCase()) await this.#sendInfo(digit as DtmfDigit, durationMs ?? 160);
      return;
    }
    const { stream } = call;
    if (stream === undefined || call.media === undefined) throw new CallError('ERR_STATE', 0, 'sendDtmf: no media has been agreed');
    await stream.sendDtmf(digits, given({ durationMs, gapMs }));
  }

  async #sendInfo(digit: DtmfDigit, durationMs: number): Promise<void> {
    if (!/^[0-9*#A-D]$/.test(digit)) throw new OptionError('digits', 'must be 0 to 9, *, # or A to D');
    const response = await this.#inside.established('sendDtmf').info(writeDtmfRelay(digit, durationMs));
    if (response.status >= 300) throw new CallError('ERR_REQUEST', response.status, response.reason);
  }

  onPress(digit: DtmfDigit, durationMs: number, via: DtmfWay): void {
    const { call, context, tell } = this.#inside;
    this.#merge ??= new DtmfMerge();
    if (call.state === 'ended' || !this.#merge.isNew(digit, via, context.clock.now())) return;
    tell('dtmf', digit, { durationMs, via });
  }

  async message(text: string, { contentType = 'text/plain;charset=UTF-8' }: { readonly contentType?: string }): Promise<void> {
    const response = await this.#inside.established('message').send('MESSAGE', { contentType, body: text });
    if (response.status >= 300) throw new CallError('ERR_REQUEST', response.status, response.reason);
  }

  /** Undefined: what anybody would answer to such a request. */
  onRequest(request: SipRequest): RequestReply | undefined {
    const { call, tell } = this.#inside;
    const contentType = request.header('Content-Type') ?? 'text/plain';
    const message = { contentType, text: request.bodyText, body: request.body };
    if (request.method === 'MESSAGE') tell('message', message);
    // RFC 6086 §4.2.2, §5: what belongs to a package, or says nothing, is answered by rule.
    else if (request.method !== 'INFO' || request.infoPackage !== undefined || request.body.length === 0) return undefined;
    else {
      const press = parseDtmfRelay(contentType, request.bodyText);
      if (press !== undefined) this.onPress(press.digit, press.durationMs, 'info');
      // RFC 2976 §2.2: what nobody here understands is refused.
      else if (call.listenerCount('info') === 0) return { status: 415, headers: [['Accept', RELAY_TYPES.join(', ')]] };
      else tell('info', message);
    }
    return { status: 200 };
  }
}
