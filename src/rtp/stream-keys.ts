/** The telephone keys of one stream, both ways: as events where telephone-event was agreed (RFC 4733), else as tones in the audio. */
import type { ToneListener } from '../codec/tone-detector.js';
import { dtmfTone, type Tone, type TonePart } from '../codec/tones.js';
import { type DtmfDigit, DtmfReceiver } from './dtmf-receiver.js';
import { DtmfSender } from './dtmf-sender.js';
import type { RtpHeader } from './header.js';
import type { Inbound } from './inbound.js';
import type { Outbound } from './outbound.js';
import type { StreamParameters } from './stream-parameters.js';

export type KeyNews =
  /** At key down; may be missed. */
  | { readonly type: 'dtmfBegin'; readonly digit: DtmfDigit }
  /** Once per key press, at its end. */
  | { readonly type: 'dtmf'; readonly digit: DtmfDigit; readonly durationMs: number; readonly via: 'telephone-event' | 'in-band' };

export class StreamKeys {
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #onNews: (news: KeyNews) => void;
  readonly #onSent: (request: number) => void;
  #receiver: DtmfReceiver | undefined;
  #receiverRate = 0;
  #payloadTypes: readonly number[] = [];
  #packetMs = 0;
  /** Requests whose tones are not out yet. */
  readonly #asked = new Set<number>();

  constructor(inbound: Inbound, outbound: Outbound, onNews: (news: KeyNews) => void, onSent: (request: number) => void) {
    this.#inbound = inbound;
    this.#outbound = outbound;
    this.#onNews = onNews;
    this.#onSent = onSent;
  }

  /** After the outbound side knows its packet length. */
  use({ telephoneEvent, detectInbandDtmf }: StreamParameters): void {
    this.#inbound.keys = detectInbandDtmf === true ? this.#heard : undefined;
    this.#payloadTypes = telephoneEvent?.receivePayloadTypes ?? [];
    if (telephoneEvent === undefined) this.#receiver = undefined;
    else if (this.#receiver === undefined || this.#receiverRate !== telephoneEvent.clockRate) {
      this.#receiverRate = telephoneEvent.clockRate;
      this.#receiver = new DtmfReceiver(telephoneEvent.clockRate, {
        onDigitBegin: (digit) => this.#onNews({ type: 'dtmfBegin', digit }),
        onDigit: (digit, durationMs) => this.#onNews({ type: 'dtmf', digit, durationMs, via: 'telephone-event' }),
      });
    }
    this.#useSender(telephoneEvent?.sendPayloadType, telephoneEvent?.clockRate ?? 8000);
  }

  /** An accepted packet, of whatever payload type. */
  onPacket(header: RtpHeader, packet: Uint8Array, now: number): void {
    if (this.#receiver !== undefined && this.#payloadTypes.includes(header.payloadType)) this.#receiver.onPacket(header, packet, now);
  }

  /** A key is down at the far end: it must be watched for packets that stop. */
  get isBusy(): boolean {
    return this.#receiver?.isActive === true;
  }

  onTurn(now: number): void {
    this.#receiver?.onTick(now);
  }

  /** The sender of packets is another. */
  reset(): void {
    this.#receiver?.reset();
  }

  send(request: number, digits: string, durationMs: number, gapMs: number): void {
    this.#asked.add(request);
    const done = (): void => {
      if (this.#asked.delete(request)) this.#onSent(request);
    };
    const { events } = this.#outbound;
    if (events !== undefined) events.send(digits, { durationMs, gapMs }, done);
    else this.#outbound.playTones(tonesOf(digits, durationMs, gapMs), done);
  }

  #useSender(payloadType: number | undefined, clockRate: number): void {
    const outbound = this.#outbound;
    if (payloadType === undefined) {
      this.#forget();
      return;
    }
    outbound.eventPayloadType = payloadType;
    if (outbound.events !== undefined && outbound.eventClockRate === clockRate && this.#packetMs === outbound.packetMs) return;
    this.#forget();
    outbound.eventClockRate = clockRate;
    this.#packetMs = outbound.packetMs;
    outbound.events = new DtmfSender({ clockRate, packetMs: outbound.packetMs });
  }

  /** The events that wait are given up, and whoever waits for them is told. */
  #forget(): void {
    if (this.#outbound.events === undefined) return;
    this.#outbound.events = undefined;
    for (const request of this.#asked) this.#onSent(request);
    this.#asked.clear();
  }

  readonly #heard: ToneListener = {
    onKeyDown: (digit) => this.#onNews({ type: 'dtmfBegin', digit }),
    onKeyUp: (digit, durationMs) => this.#onNews({ type: 'dtmf', digit, durationMs, via: 'in-band' }),
  };
}

/** A comma is half a second of nothing, as for events. */
function tonesOf(digits: string, toneMs: number, gapMs: number): Tone {
  const gap: TonePart = { ms: Math.max(gapMs, 40), components: [] };
  const pause: TonePart = { ms: 500, components: [] };
  const parts = Array.from(digits).flatMap((digit) => (digit === ',' ? [pause] : [...dtmfTone(digit, { toneMs }).parts, gap]));
  return { parts, repeat: 'once' };
}
