/**
 * Where a media thread's code comes from. This text serves who runs from source (tsx) and bundles it there and then; in what is
 * published, and under vitest, the plug-in of scripts/inline-worker.ts has put the bundled thread in the place of this file as a
 * string. So there is no file to be found: not by ESM, not by CommonJS, not by an application that bundles us.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

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
    legalComments: 'none',
    logLevel: 'error',
  });
  return result.outputFiles[0]!.text;
}

let code: string | undefined;

export function startThread(options: WorkerOptions): Worker {
  code ??= bundleThread('readable');
  return new Worker(code, { ...options, workerData: { ...options.workerData, home: fileURLToPath(import.meta.url) }, eval: true });
}
