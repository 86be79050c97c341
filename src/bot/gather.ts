/** `call.gather`: digits, as many as asked for, up to a finishing key, or until the caller is silent for too long; with a prompt that the first key stops. */
import type { Clock, Timer } from '../clock.js';
import { OptionError } from '../errors.js';
import type { Playout } from './playout.js';

export interface GatherOptions<Prompt> {
  /** Ends when there are so many. @default no limit but 64 */
  readonly max?: number;
  /** These keys end it, and are not among the digits. @default '#' */
  readonly finishOn?: string;
  /** Silence before the first and between keys, counted from the end of the prompt. @default 5000 */
  readonly timeoutMs?: number;
  /** Between keys, when it shall be another than before the first. @default timeoutMs */
  readonly interDigitTimeoutMs?: number;
  /** Played first; a key stops it. */
  readonly prompt?: Prompt;
}

export interface Gathered {
  readonly digits: string;
  readonly ended: 'max' | 'finishOn' | 'timeout' | 'hangup';
}

const MAX_DIGITS = 64;

export interface GatherHost<Prompt> {
  readonly clock: Clock;
  readonly isEnded: boolean;
  play(prompt: Prompt): Playout;
  /** Calls back for each key until the returned function is called. */
  onDtmf(listener: (digit: string) => void): () => void;
  onEnded(listener: () => void): () => void;
}

export function gather<Prompt>(host: GatherHost<Prompt>, options: GatherOptions<Prompt> = {}): Promise<Gathered> {
  const max = options.max ?? MAX_DIGITS;
  if (!Number.isInteger(max) || max < 1 || max > MAX_DIGITS) throw new OptionError('max', `must be a whole number from 1 to ${MAX_DIGITS}`);
  const finishOn = options.finishOn ?? '#';
  const timeoutMs = options.timeoutMs ?? 5000;
  const interDigitTimeoutMs = options.interDigitTimeoutMs ?? timeoutMs;
  if (!(timeoutMs >= 0) || !(interDigitTimeoutMs >= 0)) throw new OptionError('timeoutMs', 'must be a number of milliseconds');

  return new Promise((resolve) => {
    let digits = '';
    let timer: Timer | undefined;
    let playout: Playout | undefined;
    let isDone = false;
    const stopListening: (() => void)[] = [];

    const finish = (ended: Gathered['ended']): void => {
      isDone = true;
      timer?.cancel();
      for (const stop of stopListening) stop();
      playout?.interrupt();
      resolve({ digits, ended });
    };
    const wait = (ms: number): void => {
      timer?.cancel();
      timer = host.clock.at(host.clock.now() + ms, () => finish('timeout'));
    };

    if (host.isEnded) {
      finish('hangup');
      return;
    }
    stopListening.push(
      host.onEnded(() => finish('hangup')),
      host.onDtmf((digit) => {
        playout?.interrupt();
        if (finishOn.includes(digit)) {
          finish('finishOn');
          return;
        }
        digits += digit;
        if (digits.length >= max) finish('max');
        else wait(interDigitTimeoutMs);
      }),
    );
    if (options.prompt === undefined) {
      wait(timeoutMs);
      return;
    }
    playout = host.play(options.prompt);
    const afterPrompt = (): void => {
      // A key came during the prompt: its own wait is running already.
      if (!isDone && timer === undefined) wait(timeoutMs);
    };
    playout.done.then(afterPrompt, afterPrompt);
  });
}
