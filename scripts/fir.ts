/** `tsx scripts/fir.ts` assembles src/codec/fir.wat into src/codec/fir-code.ts; a test sees to it that the one is the other. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const folder = new URL('../src/codec/', import.meta.url);
const source = fileURLToPath(new URL('fir.wat', folder));

/** The room of the assembled code, as it ought to be. */
export async function firCode(): Promise<string> {
  const { parseWat } = await wabt();
  const parsed = parseWat(source, readFileSync(source, 'utf8'), { simd: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return `/** What scripts/fir.ts makes of fir.wat. */\nexport const firCode =\n  '${Buffer.from(buffer).toString('base64')}';\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(new URL('fir-code.ts', folder), await firCode());
