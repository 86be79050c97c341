/** Bundles the media thread into one text. For builds, tests and running from source: nothing of this is in what is published. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The thread, whole: nothing of ours and no dependency is left to be found at run time. */
export function bundleThread(size: 'readable' | 'small'): string {
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const result = buildSync({
    entryPoints: [fileURLToPath(new URL('./engine-worker.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // An optional package is looked for beside the library, which a string has no place beside: the thread is told.
    banner: { js: "const __home = require('node:worker_threads').workerData.home;" },
    define: { __filename: '__home' },
    minifyWhitespace: size === 'small',
    minifySyntax: size === 'small',
    minifyIdentifiers: size === 'small',
    legalComments: 'none',
    logLevel: 'error',
  });
  return result.outputFiles[0]!.text;
}
