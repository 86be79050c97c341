/** A carrier's hosts and which of them answer: with `optionsPingS` each is asked OPTIONS, and one that is silent or says 5xx is left out until it answers. */
import type { Clock, Timer } from '../clock.js';
import type { Logger } from '../log.js';
import type { Uri } from '../sip/message/uri.js';
import type { ResolvedTrunk } from './resolve-options.js';

export interface TrunkProbe {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Sends OPTIONS there; the status of the answer, 408 or 503 when there was none. */
  options(uri: Uri): Promise<number>;
}

export interface TrunkHealth {
  readonly name: string;
  readonly hosts: readonly { readonly host: string; readonly isUp: boolean }[];
}

export class Trunk {
  readonly options: ResolvedTrunk;
  readonly #probe: TrunkProbe;
  readonly #servers: readonly Uri[];
  readonly #down = new Set<number>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: ResolvedTrunk, servers: readonly Uri[], probe: TrunkProbe) {
    this.options = options;
    this.#servers = servers;
    this.#probe = probe;
  }

  start(): void {
    if (this.options.optionsPingS > 0) void this.#ask();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  get health(): TrunkHealth {
    return { name: this.options.name, hosts: this.options.hosts.map((host, i) => ({ host, isUp: !this.#down.has(i) })) };
  }

  /** One entry a host, in order; those that are down come last, for a last try. */
  inOrder<T>(perHost: readonly T[]): readonly T[] {
    return [...perHost.filter((_, i) => !this.#down.has(i)), ...perHost.filter((_, i) => this.#down.has(i))];
  }

  async #ask(): Promise<void> {
    const { clock } = this.#probe;
    await Promise.all(this.#servers.map((server, i) => this.#askOne(server, i)));
    if (this.#isStopped) return;
    this.#timer = clock.at(clock.now() + this.options.optionsPingS * 1000, () => void this.#ask());
  }

  async #askOne(server: Uri, i: number): Promise<void> {
    const status = await this.#probe.options(server);
    // Any answer but a server's failure shows that somebody is there: many carriers say 404, 405 or 403 to OPTIONS.
    const isUp = status < 500 && status !== 408;
    if (isUp === !this.#down.has(i) || this.#isStopped) return;
    if (isUp) this.#down.delete(i);
    else this.#down.add(i);
    this.#probe.logger.warn(
      { trunk: this.options.name, host: this.options.hosts[i], status },
      isUp ? 'trunk host is back' : 'trunk host is down',
    );
  }
}
