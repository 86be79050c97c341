/**
 * Class names outlive the minifier, as users read them in errors and logs; those of functions do not (esbuild's `keepNames` keeps both, and
 * takes five times the room).
 */
import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';

const SOURCE = /[\\/]src[\\/].*\.ts$/;
const CLASS = /^(?:export )?(?:abstract )?class (\w+)/gm;

export function keepClassNames(): Plugin {
  return {
    name: 'class-names',
    setup({ initialOptions, onLoad }) {
      initialOptions.banner = {
        ...initialOptions.banner,
        js: `'use strict';const __named=(c,value)=>Object.defineProperty(c,'name',{value});`,
      };
      onLoad({ filter: SOURCE }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        const names = [...text.matchAll(CLASS)].map(([, name]) => `__named(${name}, '${name}');\n`);
        return { contents: text + names.join(''), loader: 'ts' };
      });
    },
  };
}
