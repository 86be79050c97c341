/** Declarations as they are published: indented by tabs instead of four spaces, which is a twentieth of them. Run by `npm run build`. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

for (const name of await readdir(dist)) {
  if (!name.endsWith('.d.cts')) continue;
  const path = join(dist, name);
  const text = await readFile(path, 'utf8');
  await writeFile(
    path,
    text.replace(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4)),
  );
}
