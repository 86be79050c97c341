/**
 * Where a media thread's code comes from. This text serves who runs from source (tsx) and bundles it there and then; in what is
 * published, and under vitest, the plug-in of scripts/inline-worker.ts has put the bundled thread in the place of this file as a
 * string. So there is no file to be found: not by ESM, not by CommonJS, not by an application that bundles us.
 */
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { bundleThread } from './engine-bundle.js';

let code: string | undefined;

export function startThread(options: WorkerOptions): Worker {
  code ??= bundleThread('readable');
  return new Worker(code, { ...options, workerData: { ...options.workerData, home: fileURLToPath(import.meta.url) }, eval: true });
}
