/** A REFER of ours as the application follows it: accepted, progress by progress, ended once (RFC 3515). */
import { EventEmitter } from 'eventemitter3';
import { Referral, type ReferralEffect, type ReferralOutcome } from '../dialog/refer.js';
import type { Fragment } from '../dialog/sipfrag.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { AgentCore } from './agent-core.js';
import { Alarms } from './alarms.js';

export interface ReferResult {
  readonly outcome: ReferralOutcome;
  /** The last status heard, of the REFER or of what it led to; 0 when none was. */
  readonly status: number;
  readonly reason: string;
}

export interface ReferProgressEvents {
  accepted: [];
  progress: [fragment: Fragment];
  /** Exactly once, and last. */
  ended: [result: ReferResult];
}

export class ReferProgress extends EventEmitter<ReferProgressEvents> {
  /** Settles with `ended`; never rejects. */
  readonly done: Promise<ReferResult>;
  readonly #core: AgentCore;
  readonly #machine: Referral;
  readonly #alarms: Alarms<'silence'>;
  readonly #onEnded: () => void;
  #resolve!: (result: ReferResult) => void;

  constructor(core: AgentCore, onEnded: () => void) {
    super();
    this.#core = core;
    this.#onEnded = onEnded;
    this.#machine = new Referral(core.timers.T1);
    this.#alarms = new Alarms(core.clock, (timer) => this.#apply(this.#machine.onTimer(timer)));
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get state(): 'sent' | 'accepted' | 'ended' {
    return this.#machine.state;
  }

  /** The dialog brings these. */
  onResponse(response: SipResponse): void {
    this.#apply(this.#machine.onResponse(response, this.#core.clock.now()));
  }

  onNotify(notify: SipRequest): void {
    this.#apply(this.#machine.onNotify(notify, this.#core.clock.now()));
  }

  /** Nothing more can come. */
  end(): void {
    this.#apply(this.#machine.onEnd());
  }

  #apply(effects: ReferralEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
        case 'disarm':
          this.#alarms.apply(effect);
          break;
        case 'accepted':
          this.#tell(() => this.emit('accepted'));
          break;
        case 'progress':
          this.#tell(() => this.emit('progress', effect.fragment));
          break;
        case 'ended': {
          const result = { outcome: effect.outcome, status: effect.status, reason: effect.reason };
          this.#onEnded();
          this.#resolve(result);
          this.#tell(() => this.emit('ended', result));
          break;
        }
      }
    }
  }

  #tell(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      this.#core.logger.error({ error }, 'a listener of a REFER failed');
    }
  }
}
