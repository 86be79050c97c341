/** A REFER that came, as the application answers it: `notify` tells the referrer how the referred request fares; the final status ends it (RFC 3515 §2.4.4). */
import { Referred, type ReferredEffect, type ReferredTimer } from '../dialog/refer.js';
import { writeFragment } from '../dialog/sipfrag.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { NameAddr } from '../message/name-addr.js';
import { reasonPhrase } from '../message/status.js';
import type { AgentCore } from './agent-core.js';
import { Alarms } from './alarms.js';

export interface NotifyCarrier {
  /** Sends a NOTIFY in the dialog of the REFER. */
  notify(headers: readonly (readonly [string, string])[], contentType: string, body: string): Promise<SipResponse>;
  onEnded(): void;
}

export class ReferSubscription {
  /** Where to. */
  readonly referTo: NameAddr;
  readonly referredBy: NameAddr | undefined;
  /** Event header id: the CSeq of the REFER (§2.4.6). */
  readonly id: number;
  readonly #core: AgentCore;
  readonly #machine: Referred;
  readonly #alarms: Alarms<ReferredTimer>;
  readonly #carrier: NotifyCarrier;
  readonly #event: string;
  #isOpen = false;
  #early: { readonly status: number; readonly reason: string } | undefined;

  constructor(core: AgentCore, refer: SipRequest, isFirst: boolean, carrier: NotifyCarrier) {
    this.#core = core;
    this.#carrier = carrier;
    this.referTo = refer.referTo!;
    this.referredBy = refer.referredBy;
    this.id = refer.cseq!.number;
    // §2.4.6: the id may be left out for the first; some peers know none.
    this.#event = isFirst ? 'refer' : `refer;id=${this.id}`;
    this.#machine = new Referred(core.clock.now());
    this.#alarms = new Alarms(core.clock, (timer, now) => this.#apply(this.#machine.onTimer(timer, now)));
  }

  /** False after the final status, after a refusal, and when the referrer asked for no reports. */
  get isActive(): boolean {
    return this.#isOpen && this.#machine.state === 'active';
  }

  /** How the referred request fares: 100, 180, … and at last its final status. Ignored when nobody listens. */
  notify(status: number, reason: string = reasonPhrase(status)): void {
    if (this.#isOpen) this.#apply(this.#machine.onStatus({ status, reason }, this.#core.clock.now()));
    else this.#early = { status, reason };
  }

  /** The 2xx is out. */
  open(): void {
    this.#isOpen = true;
    const now = this.#core.clock.now();
    this.#apply(this.#machine.onAccepted(now));
    if (this.#early !== undefined) this.#apply(this.#machine.onStatus(this.#early, now));
  }

  /** A SUBSCRIBE for it: so many seconds more, or 0 to end it. */
  onSubscribe(expiresS: number): void {
    this.#apply(this.#machine.onSubscribe(expiresS, this.#core.clock.now()));
  }

  close(): void {
    this.#apply(this.#machine.onEnd());
  }

  #apply(effects: ReferredEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
        case 'disarm':
          this.#alarms.apply(effect);
          break;
        case 'notify':
          void this.#carrier
            .notify(
              [
                ['Event', this.#event],
                ['Subscription-State', effect.subscriptionState],
              ],
              'message/sipfrag;version=2.0',
              writeFragment(effect.fragment),
            )
            .then((response) =>
              this.#apply(this.#machine.onNotified(response.status, this.#core.clock.now(), response.retryAfter?.seconds)),
            );
          break;
        case 'ended':
          this.#carrier.onEnded();
          break;
      }
    }
  }
}
