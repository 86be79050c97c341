/** Which blocks of the library ran since the last look, from the engine's own inspector: no instrumentation, no native code. */
import { Session } from 'node:inspector';

const OURS = /\/src\/(?!testing\/)/;

interface Taken {
  readonly result: readonly {
    readonly url: string;
    readonly scriptId: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  get blocks(): number {
    return this.#seen.size;
  }

  /** Everything that ran since the last look. */
  take(): Set<string> {
    const ran = new Set<string>();
    const { result } = this.#post('Profiler.takePreciseCoverage') as Taken;
    for (const { url, scriptId, functions } of result) {
      if (!OURS.test(url)) continue;
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges) if (count > 0) ran.add(`${scriptId}:${startOffset}-${endOffset}`);
    }
    return ran;
  }

  /** What of it had never run before; from now on it has. */
  fresh(): Set<string> {
    const fresh = new Set<string>();
    for (const block of this.take()) {
      if (this.#seen.has(block)) continue;
      this.#seen.add(block);
      fresh.add(block);
    }
    return fresh;
  }

  /** In the same process the answer is there when it returns. */
  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    this.#session.post(method, params, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  }
}
