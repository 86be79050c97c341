import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { inlineWorkerForVite } from './scripts/inline-worker.js';

const src = (name: string) => fileURLToPath(new URL(`./src/${name}.ts`, import.meta.url));

export default defineConfig({
  plugins: [inlineWorkerForVite()],
  resolve: {
    alias: [
      { find: /^sipbot$/, replacement: src('index') },
      { find: /^sipbot\/(.*)$/, replacement: src('$1') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    coverage: { provider: 'v8', include: ['src/**'], exclude: ['src/**/index.ts'] },
  },
});
