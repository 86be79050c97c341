/** The entries of the package: for each a CommonJS and an ES module that hand on names of the one program, and types for the second that hand on those of the first. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const EXACT = /^[A-Za-z_$][\w$]*$/;

export async function writeDoors(
  dist: string,
  entries: readonly string[],
  program: Record<string, Record<string, unknown>>,
): Promise<void> {
  for (const entry of entries) {
    const names = Object.keys(program[entry] ?? {}).filter((name) => EXACT.test(name));
    if (names.length === 0) throw new Error(`${entry} exports nothing`);
    // Never run, and all that Node reads to know the names (cjs-module-lexer).
    const annotation = `0 && (module.exports = { ${names.join(', ')} });`;
    await writeFile(join(dist, `${entry}.cjs`), `'use strict';\nmodule.exports = require('./all.cjs').${entry};\n${annotation}\n`);
    await writeFile(join(dist, `${entry}.js`), `export { ${names.join(', ')} } from './${entry}.cjs';\n`);
    await writeFile(join(dist, `${entry}.d.ts`), `export * from './${entry}.cjs';\n`);
  }
}

/** The command: what npm links as `sipbot`. */
export async function writeCommand(dist: string): Promise<void> {
  const path = join(dist, 'cli.js');
  await writeFile(path, "#!/usr/bin/env node\nimport program from './all.cjs';\n\nawait program.cli.main();\n");
  await chmod(path, 0o755);
}
