/** Notices that this machine has other addresses than before: another network, a cable pulled, a tunnel up. Node tells nobody, so it is asked now and then. */
import { networkInterfaces } from 'node:os';
import type { Clock, Timer } from '../clock.js';

const EVERY_MS = 5000;

export class AddressWatch {
  readonly #clock: Clock;
  readonly #onChanged: (present: ReadonlySet<string>) => void;
  #present = addresses();
  #timer: Timer | undefined;

  constructor(clock: Clock, onChanged: (present: ReadonlySet<string>) => void) {
    this.#clock = clock;
    this.#onChanged = onChanged;
  }

  start(): void {
    this.#timer = this.#clock.at(this.#clock.now() + EVERY_MS, () => {
      this.start();
      const before = this.#present;
      const present = addresses();
      // Between two networks there is a time without any: nothing can be told to anybody.
      if (present.size === 0 || (before.size === present.size && [...before].every((address) => present.has(address)))) return;
      this.#present = present;
      this.#onChanged(present);
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

function addresses(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const known of Object.values(interfaces())) for (const { address, internal } of known ?? []) if (!internal) found.add(address);
  return found;
}

/** To ask takes a file descriptor. Where there is none left, nothing is known until there is. */
function interfaces(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces();
  } catch {
    return {};
  }
}
