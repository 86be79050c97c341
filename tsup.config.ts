import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsup';
import { keepClassNames } from './scripts/class-names.js';
import { writeCommand, writeDoors } from './scripts/doors.js';
import { inlineWorkerForEsbuild } from './scripts/inline-worker.js';
import { squeeze } from './scripts/squeeze.js';

const ENTRIES = ['index', 'sip', 'rtp', 'codec', 'session', 'bot', 'testing'];
const dist = fileURLToPath(new URL('./dist/', import.meta.url));

/** One program in CommonJS, which Node can load from both worlds, and a door for each entry and world: see src/all.ts. */
export default defineConfig([
  {
    entry: { all: 'src/all.ts' },
    format: ['cjs'],
    target: 'node20',
    platform: 'node',
    splitting: false,
    minify: true,
    clean: true,
    // CommonJS has __filename, and `import.meta` is a syntax error there, even where it is never reached.
    esbuildOptions(options) {
      options.define = { ...options.define, 'import.meta.url': 'undefined' };
    },
    esbuildPlugins: [inlineWorkerForEsbuild(), keepClassNames()],
    async onSuccess() {
      await squeeze(join(dist, 'all.cjs'));
      await writeDoors(dist, ENTRIES, createRequire(import.meta.url)(join(dist, 'all.cjs')));
      await writeCommand(dist);
    },
  },
  ...(process.env.SIPBOT_BUILD_DTS === 'no'
    ? []
    : [
        {
          entry: ENTRIES.map((entry) => `src/${entry}.ts`),
          format: ['cjs' as const],
          dts: { only: true, compilerOptions: { stripInternal: true } },
        },
      ]),
]);
