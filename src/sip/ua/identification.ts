/** Who a stranger is: asked, checked when an answer comes (RFC 3261 §22), and held for or against the source that gave it. */
import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import type { SipRequest } from '../message/message.js';
import type { Refusal } from '../transaction/layer.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';
import type { Flow } from '../transport/flow.js';
import type { Authenticator, Proof, Verdict } from './admission.js';
import type { Guard } from './guard/guard.js';

export class Identification {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #guard: Guard | undefined;
  /** Let in on condition that they prove who they are. */
  readonly #asked = new WeakMap<SipRequest, Authenticator>();

  constructor(clock: Clock, logger: Logger, guard: Guard | undefined) {
    this.#clock = clock;
    this.#logger = logger;
    this.#guard = guard;
  }

  /** Nothing is kept of those who bring no answer to a question of ours. */
  ask(request: SipRequest, source: string, authenticator: Authenticator | undefined): 'accept' | 'drop' | Refusal {
    if (authenticator === undefined) return { status: 403 };
    const now = this.#clock.now();
    const brings = request.has('Authorization') ? (authenticator.examine?.(request, source) ?? 'answer') : 'missing';
    if (brings !== 'answer') {
      if (this.#guard?.mayAsk(source, now) === false) return 'drop';
      return authenticator.challenge(brings === 'stale' ? 'stale' : 'good', source);
    }
    if (this.#guard?.mayTry(source, now) === false) return 'drop';
    this.#asked.set(request, authenticator);
    return 'accept';
  }

  /** §22.1: goes on with the proof, or answers; at once with none where none was asked. A CANCEL meanwhile is answered by the layer, and the INVITE with it. */
  pass(transaction: ServerTransaction<Flow>, goOn: (proof: Proof | undefined) => void): void {
    const authenticator = this.#asked.get(transaction.request);
    if (authenticator === undefined) goOn(undefined);
    else void this.#check(transaction, authenticator, goOn);
  }

  async #check(transaction: ServerTransaction<Flow>, authenticator: Authenticator, goOn: (proof: Proof) => void): Promise<void> {
    try {
      const verdict = await authenticator.check(transaction.request, transaction.flow.remote.address);
      this.#judge(verdict, transaction.flow);
      if (!transaction.isPending) return;
      if (verdict.type === 'accepted') goOn(verdict);
      else transaction.reply(verdict.status, verdict.type === 'challenge' ? { headers: verdict.headers } : {});
    } catch (error) {
      this.#logger.error({ error }, 'a request could not be authenticated');
      transaction.reply(500);
    }
  }

  #judge(verdict: Verdict, flow: Flow): void {
    const { address } = flow.remote;
    if (verdict.type === 'accepted') {
      flow.vouch();
      this.#guard?.onProof(address, this.#clock.now());
    } else if (verdict.type === 'challenge' && verdict.why === 'wrong') this.#guard?.onWrong(address, this.#clock.now());
    else this.#guard?.onNothingTried(address);
  }
}
