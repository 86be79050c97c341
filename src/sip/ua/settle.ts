/** What a handler returns, now or later: the answer goes out in the same turn when there is nothing to wait for. */
export function settle<T>(ask: () => T | Promise<T>, then: (value: T) => void, failed: (error: unknown) => void): void {
  let value: T | Promise<T>;
  try {
    value = ask();
  } catch (error) {
    failed(error);
    return;
  }
  if (value instanceof Promise) value.then(then).catch(failed);
  else then(value);
}
