/** For vitest: what went wrong outside of any test, told as one of the run's failures. Its own JSON leaves that out, and yet its exit code knows of it. */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export interface Stray {
  readonly name: string;
  readonly error: string;
}

/** Where a run is to write its strays. */
export const STRAYS = 'SIPBOT_INTEROP_STRAYS';

export default class StrayReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const strays: Stray[] = unhandled.map((error) => ({ name: 'outside of the tests', error: textOf(error) }));
    for (const module of modules)
      for (const suite of module.children.allSuites())
        for (const error of suite.errors()) strays.push({ name: `${suite.fullName}: before or after its tests`, error: textOf(error) });
    const file = process.env[STRAYS];
    if (file !== undefined) writeFileSync(file, JSON.stringify(strays));
  }
}

const textOf = ({ name, message, stack }: SerializedError): string => stack ?? `${name}: ${message}`;
