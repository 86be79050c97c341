/** What a check found: one line, and what to do where something is not as it should be. */
export interface Finding {
  readonly verdict: 'ok' | 'note' | 'wrong' | 'skipped';
  readonly what: string;
  readonly advice?: string;
}

export function ok(what: string): Finding {
  return { verdict: 'ok', what };
}

/** Not wrong, but good to know. */
export function note(what: string, advice?: string): Finding {
  return advice === undefined ? { verdict: 'note', what } : { verdict: 'note', what, advice };
}

export function wrong(what: string, advice: string): Finding {
  return { verdict: 'wrong', what, advice };
}

export function skipped(what: string, advice: string): Finding {
  return { verdict: 'skipped', what, advice };
}
