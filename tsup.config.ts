import { defineConfig } from 'tsup';
import { inlineWorkerForEsbuild } from './scripts/inline-worker.js';

export default defineConfig({
  entry: ['src/index.ts', 'src/sip.ts', 'src/rtp.ts', 'src/codec.ts', 'src/session.ts', 'src/bot.ts', 'src/testing.ts', 'src/cli.ts'],
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  // Chunks are shared in both formats: `sipbot` and `sipbot/testing` must speak of the same classes.
  splitting: true,
  dts: process.env.SIPBOT_BUILD_DTS !== 'no',
  clean: true,
  treeshake: false,
  // CommonJS has __filename, and `import.meta` is a syntax error there, even where it is never reached.
  esbuildOptions(options, { format }) {
    if (format === 'cjs') options.define = { ...options.define, 'import.meta.url': 'undefined' };
  },
  esbuildPlugins: [inlineWorkerForEsbuild()],
});
