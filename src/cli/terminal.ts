/** What a command has of the world: two ways to say something, the environment, and the wish that it should end. */
import type { Logger } from '../log.js';

export interface Terminal {
  /** What was asked for: standard output. */
  out(text: string): void;
  /** How it goes, and what went wrong: standard error. */
  note(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the process is asked to end: finish what is under way, and return. */
  readonly signal: AbortSignal;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** 128 and the number of SIGINT, as shells have it. */
const INTERRUPTED = 130;

export function processTerminal(from: NodeJS.Process): { readonly terminal: Terminal; readonly close: () => void } {
  const ending = new AbortController();
  const onSignal = (): void => {
    if (ending.signal.aborted) from.exit(INTERRUPTED);
    ending.abort();
    from.stderr.write('\nending; once more ends at once\n');
  };
  for (const signal of SIGNALS) from.on(signal, onSignal);
  return {
    terminal: {
      out: (text) => void from.stdout.write(`${text}\n`),
      note: (text) => void from.stderr.write(`${text}\n`),
      env: from.env,
      signal: ending.signal,
    },
    close: () => {
      for (const signal of SIGNALS) from.off(signal, onSignal);
    },
  };
}

/** Resolves when the process is asked to end. */
export function asked(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Resolves after that time, or when the process is asked to end. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    asked(signal),
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  ]);
  clearTimeout(timer);
}

/** Warnings and errors of the bot, as lines that a person can read. */
export function noteLogger(terminal: Terminal): Logger {
  const note = (fields: object, message: string): void => {
    const known = Object.entries(fields).map(([name, value]) => `${name} ${value instanceof Error ? value.message : String(value)}`);
    terminal.note(`warning: ${message}${known.length === 0 ? '' : ` (${known.join(', ')})`}`);
  };
  return { debug: () => {}, info: () => {}, warn: note, error: note };
}
