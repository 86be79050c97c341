/** How many calls may be up: in all, of one source, of one account. */
export interface Whose {
  /** An account, a trunk, or one of `users`. */
  readonly account?: string | undefined;
  /** Where a call came in from. */
  readonly source?: string | undefined;
}

export interface CallLimitOptions {
  readonly maxCalls: number;
  readonly maxCallsPerSource: number;
  readonly maxCallsPerAccount: number;
}

export class CallLimits<C> {
  readonly #options: CallLimitOptions;
  readonly #calls = new Map<C, Whose>();
  readonly #perSource = new Map<string, number>();
  readonly #perAccount = new Map<string, number>();

  constructor(options: CallLimitOptions) {
    this.#options = options;
  }

  /** Which limit is reached; undefined: there is room. */
  whyNot({ account, source }: Whose): keyof CallLimitOptions | undefined {
    const { maxCalls, maxCallsPerSource, maxCallsPerAccount } = this.#options;
    if (this.#calls.size >= maxCalls) return 'maxCalls';
    if (source !== undefined && (this.#perSource.get(source) ?? 0) >= maxCallsPerSource) return 'maxCallsPerSource';
    if (account !== undefined && (this.#perAccount.get(account) ?? 0) >= maxCallsPerAccount) return 'maxCallsPerAccount';
    return undefined;
  }

  /** Counted once, by what was said first. */
  begin(call: C, whose: Whose): void {
    if (this.#calls.has(call)) return;
    this.#calls.set(call, whose);
    add(this.#perSource, whose.source, 1);
    add(this.#perAccount, whose.account, 1);
  }

  end(call: C): void {
    const whose = this.#calls.get(call);
    if (whose === undefined) return;
    this.#calls.delete(call);
    add(this.#perSource, whose.source, -1);
    add(this.#perAccount, whose.account, -1);
  }
}

function add(counts: Map<string, number>, key: string | undefined, by: number): void {
  if (key === undefined) return;
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
