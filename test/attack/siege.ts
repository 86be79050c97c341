/** A bot with fifty honest calls up, and one attack after the other. Each is a row, judged by what the honest callers hear meanwhile. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Attack, attacks } from './attacks.js';
import { ask, heard, place, sleep, start } from './processes.js';
import { type BotReport, CALLS, type CallerReport } from './wire.js';

export interface Row {
  readonly name: string;
  readonly thrown: number | undefined;
  readonly before: BotReport;
  readonly after: BotReport;
  readonly callers: CallerReport;
  readonly ms: number;
  readonly said: string;
  readonly wrong: readonly string[];
}

export interface SiegeOptions {
  readonly seconds: number;
  /** Until the jitter buffers and the code are warm. @default 5000 */
  readonly warmMs?: number;
  /** p99 of the honest calls' packets. undefined: by what is lost alone, on machines with other work. */
  readonly lateMs?: number;
}

const MOST_BYTES = 400 * 2 ** 20;

export class Siege {
  readonly attacks: readonly Attack[];
  readonly #options: SiegeOptions;
  readonly #work = mkdtempSync(join(tmpdir(), 'sipbot-attack-'));
  readonly #bot = start('bot.ts', 'bot');
  #callers: ChildProcess | undefined;
  #rtpPort = 0;
  readonly #endWithUs = (): void => {
    this.#bot.kill('SIGKILL');
    this.#callers?.kill('SIGKILL');
  };

  constructor(options: SiegeOptions) {
    this.#options = options;
    this.attacks = attacks({ work: this.#work, seconds: options.seconds, rtpPort: () => this.#rtpPort });
    // Detached ones would outlive us.
    process.once('exit', this.#endWithUs);
  }

  async begin(): Promise<void> {
    await heard(this.#bot);
    place(this.#bot, 'bot');
    const callers = start('callers.ts', 'honest');
    this.#callers = callers;
    await heard(callers);
    place(callers, 'honest');
    await sleep(this.#options.warmMs ?? 5000);
    this.#rtpPort = (await ask<CallerReport>(callers, 'report')).rtpPort;
  }

  report(): Promise<BotReport> {
    return ask<BotReport>(this.#bot, 'report');
  }

  async suffer(attack: Attack): Promise<Row> {
    const before = await this.report();
    await ask<CallerReport>(this.#callers!, 'report');
    const began = performance.now();
    const { thrown, said = '' } = await attack.run();
    await sleep(500);
    const after = await this.report();
    const callers = await ask<CallerReport>(this.#callers!, 'report');
    const ms = performance.now() - began;
    const wrong = [...this.#harm(before, after, callers), attack.wrong?.(said, before, after)].filter((text) => text !== undefined);
    return { name: attack.name, thrown, before, after, callers, ms, said, wrong };
  }

  /** The honest callers hang up; how many of their calls did not end. */
  async conclude(): Promise<number> {
    this.#callers!.send('hangup');
    await sleep(1000);
    const { calls } = await this.report();
    this.end();
    return calls;
  }

  end(): void {
    process.off('exit', this.#endWithUs);
    this.#endWithUs();
    rmSync(this.#work, { recursive: true, force: true });
  }

  /** What may not happen to honest people, whatever is thrown. */
  #harm(before: BotReport, after: BotReport, callers: CallerReport): (string | undefined)[] {
    const { lateMs } = this.#options;
    const late = after.late - before.late;
    // Where there is other work a flood may fill the socket of the call that it hits.
    const lost = lateMs === undefined ? after.lostElsewhere - before.lostElsewhere : after.lost - before.lost;
    return [
      after.calls === CALLS && callers.calls === CALLS && after.ended.length === 0 ? undefined : `${after.calls} of ${CALLS} calls are up`,
      callers.lost === 0 ? undefined : `${callers.lost} packets to the callers were lost`,
      lost === 0 && (late === 0 || lateMs === undefined) ? undefined : `${lost} of their packets were lost, ${late} came too late`,
      lateMs === undefined || callers.lateP99 < lateMs ? undefined : `p99 lateness ${callers.lateP99.toFixed(1)} ms`,
      after.rssBytes < MOST_BYTES ? undefined : `${Math.round(after.rssBytes / 2 ** 20)} MB`,
    ];
  }
}
