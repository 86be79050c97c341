// Options as they were given: one that was left out is not the same as one that is undefined.

/** Without the properties that are undefined. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const all: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const name in options)
    if (options[name] !== undefined) all[name] = options[name] as Exclude<(typeof options)[typeof name], undefined>;
  return all;
}
