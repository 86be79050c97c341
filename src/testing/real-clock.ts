/** A test's clock that cannot be turned: over real sockets its `run` waits. */
import { systemClock } from '../clock.js';
import type { TestClock } from './test-caller.js';

const LOOK_MS = 5;

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    systemClock.at(systemClock.now() + ms, resolve);
  });

export const realClock: TestClock = {
  ...systemClock,
  run: sleep,
  runUntil: async (done, limitMs = 60_000) => {
    const until = systemClock.now() + limitMs;
    while (!done()) {
      if (systemClock.now() > until) throw new Error(`nothing came of it within ${limitMs} ms`);
      await sleep(LOOK_MS);
    }
  },
};
