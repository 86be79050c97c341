/**
 * The names of the classes that an entry exports outlive the minifier, as users read them in errors and logs; others, and those of functions,
 * do not (esbuild's `keepNames` keeps all, and takes eight times the room).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

const SOURCE = /[\\/]src[\\/].*\.ts$/;
const source = fileURLToPath(new URL('../src/', import.meta.url));
/** Every word of the entries: what they export is among them. */
const told = new Set(
  readdirSync(source)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => readFileSync(source + name, 'utf8').match(/\w+/g) ?? []),
);
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
        const names = [...text.matchAll(CLASS)].filter(([, name]) => told.has(name!)).map(([, name]) => `__named(${name}, '${name}');\n`);
        return { contents: text + names.join(''), loader: 'ts' };
      });
    },
  };
}
