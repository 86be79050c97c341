import { defineConfig, mergeConfig } from 'vitest/config';
import unit from './vitest.config.js';

/**
 * Real peers, real sockets, real time: one file after the other. A machine that stands still for a moment spoils a call, so what fails is
 * tried again; the report says which rows needed that, and what the first try came to.
 */
export default mergeConfig(
  { ...unit, test: { ...unit.test, include: [] } },
  defineConfig({
    test: {
      include: ['test/interop/**/*.interop.ts'],
      globalSetup: ['test/interop/setup.ts'],
      fileParallelism: false,
      testTimeout: 60_000,
      maxConcurrency: 6,
      retry: { count: 2, delay: 500 },
      hookTimeout: 60_000,
    },
  }),
);
