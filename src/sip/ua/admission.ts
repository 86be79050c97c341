/** Who may talk to us: what an agent asks before it allocates anything for a request (RFC 3261 §26.3.2.4). The answer is the application's. */
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest } from '../message/message.js';
import type { ParseFailure } from '../message/parse-failure.js';
import type { Refusal } from '../transaction/layer.js';
import type { Flow } from '../transport/flow.js';

/**
 * `drop` says nothing at all. `challenge` lets those in who can answer one (`UserAgentOptions.authenticate`).
 * A refusal is sent statelessly: whoever floods us costs us no memory.
 */
export type Admission = 'accept' | 'drop' | 'challenge' | Refusal;

/** Asked once for each new request outside the dialogs we have, and for each message that could not be read. */
export type Admit = (request: SipRequest | ParseFailure, flow: Flow) => Admission;

/** Who somebody proved to be. */
export interface Proof {
  readonly user: string;
  /** What the answer says in return: Authentication-Info. */
  readonly headers?: readonly HeaderEntry[];
}

export type Verdict =
  | (Proof & { readonly type: 'accepted' })
  | {
      readonly type: 'challenge';
      readonly status: 401 | 407;
      readonly headers: readonly HeaderEntry[];
      /** `wrong` is held against the source. */
      readonly why?: 'missing' | 'stale' | 'wrong';
    }
  | { readonly type: 'refused'; readonly status: 400 | 403 };

/** Asks who somebody is: the digest server. */
export interface Authenticator {
  /** For a request that brings no answer: nothing of it is remembered. `source`: the address that it came from. */
  challenge(nonceWas: 'good' | 'stale', source: string): Refusal;
  /** Whether it brings an answer worth a transaction; what does not is challenged again, statelessly. */
  examine?(request: SipRequest, source: string): 'answer' | 'stale' | 'missing';
  check(request: SipRequest, source: string): Promise<Verdict>;
}
