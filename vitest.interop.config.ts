import { defineConfig, mergeConfig } from 'vitest/config';
import unit from './vitest.config.js';

/** Real peers, real sockets, real time: one file after the other. */
export default mergeConfig(
  { ...unit, test: { ...unit.test, include: [] } },
  defineConfig({
    test: {
      include: ['test/interop/**/*.interop.ts'],
      globalSetup: ['test/interop/setup.ts'],
      fileParallelism: false,
      testTimeout: 60_000,
      maxConcurrency: 6,
      hookTimeout: 60_000,
    },
  }),
);
