/**
 * Puts the media thread, bundled, as a string in the place of src/rtp/engine-thread.ts: one plug-in for esbuild (tsup) and one for Vite
 * (vitest), so that tests run the same code in the same way as what is published.
 */
import { brotliCompressSync } from 'node:zlib';
import type { Plugin as EsbuildPlugin } from 'esbuild';
import { bundleThread } from '../src/rtp/engine-bundle.js';

const THREAD = /[\\/]src[\\/]rtp[\\/]engine-thread\.ts$/;

/**
 * What is published holds code of the thread a second time: packed it takes a third of the room, and is unpacked in a millisecond when the
 * first thread starts.
 */
function substitute(size: 'readable' | 'small'): string {
  const text = bundleThread(size);
  const packed = size === 'small';
  const code = packed
    ? `brotliDecompressSync(Buffer.from('${brotliCompressSync(text).toString('base64')}', 'base64')).toString()`
    : JSON.stringify(text);
  return `
import { Worker } from 'node:worker_threads';
${packed ? "import { brotliDecompressSync } from 'node:zlib';" : ''}
let code;
const home = typeof __filename === 'string' ? __filename : import.meta.url;
export function startThread(options) {
  code ??= ${code};
  return new Worker(code, { ...options, workerData: { ...options.workerData, home }, eval: true });
}
`;
}

export function inlineWorkerForEsbuild(): EsbuildPlugin {
  return {
    name: 'inline-worker',
    setup({ onLoad }) {
      onLoad({ filter: THREAD }, () => ({ contents: substitute('small'), loader: 'js' }));
    },
  };
}

/** The part of a Vite plug-in that this is. */
export interface LoadPlugin {
  readonly name: string;
  readonly enforce: 'pre';
  load(id: string): string | undefined;
}

export function inlineWorkerForVite(): LoadPlugin {
  return {
    name: 'inline-worker',
    enforce: 'pre',
    load: (id) => (THREAD.test(id) ? substitute('readable') : undefined),
  };
}
