// Where a file of an optional package lies: beside this library, else beside the application (which may have been bundled to elsewhere).
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type ErrorCode, SipBotError } from '../errors.js';

export function installedFile(file: string, code: ErrorCode, install: string): string {
  // CommonJS has the one, ESM the other.
  const here = typeof __filename === 'string' ? __filename : import.meta.url;
  let cause: unknown;
  for (const from of [here, join(process.cwd(), 'index.js')]) {
    try {
      return createRequire(from).resolve(file);
    } catch (error) {
      cause = error;
    }
  }
  throw new SipBotError(code, `${file} is not installed: npm install ${install}`, { cause });
}
