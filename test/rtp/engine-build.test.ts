/** The thread is found wherever we end up: built as ESM, as CommonJS, and bundled into an application in either form. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inlineWorkerForEsbuild } from '../../scripts/inline-worker.js';

const entry = fileURLToPath(new URL('../../src/rtp.ts', import.meta.url));
let directory = '';

const application = (load: string): string => `
${load}
void (async () => {
  const engine = new MediaEngine({ threads: 1, host: '127.0.0.1', ports: [40000, 49999] });
  await engine.ready();
  const stream = await engine.open({ sampleRate: 8000, frameMs: 20 });
  const format = { payloadType: 0, codec: 'pcmu' };
  stream.configure({ remote: { address: '127.0.0.1', port: 9, rtcpPort: 9 }, send: true, receive: true, codec: format, accept: [format], rtcpMux: true });
  stream.outgoing.write(new Int16Array(320));
  await stream.outgoing.drained();
  console.log('played', stream.outgoing.playedSamples);
  await engine.close();
})();
`;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sipbot-build-'));
  for (const [format, name] of [
    ['esm', 'rtp.mjs'],
    ['cjs', 'rtp.cjs'],
  ] as const)
    await build({
      entryPoints: [entry],
      outfile: join(directory, name),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format,
      plugins: [inlineWorkerForEsbuild()],
      logLevel: 'silent',
    });
  writeFileSync(join(directory, 'application.mjs'), application("import { MediaEngine } from './rtp.mjs';"));
  writeFileSync(join(directory, 'application.cjs'), application("const { MediaEngine } = require('./rtp.cjs');"));
});

afterAll(() => rmSync(directory, { recursive: true }));

function play(file: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, [join(directory, file)], { encoding: 'utf8', timeout: 20_000 });
  return stdout + stderr;
}

describe('the media thread is found', () => {
  test.each(['mjs', 'cjs'])('by a library built as %s', (form) => {
    expect(play(`application.${form}`)).toBe('played 320\n');
  });

  test.each(['esm', 'cjs'] as const)('by an application that bundled it, as %s', async (format) => {
    const file = `bundled.${format === 'esm' ? 'mjs' : 'cjs'}`;
    await build({
      entryPoints: [join(directory, 'application.mjs')],
      outfile: join(directory, 'elsewhere', file),
      bundle: true,
      minify: true,
      platform: 'node',
      format,
      logLevel: 'silent',
    });
    expect(play(join('elsewhere', file))).toBe('played 320\n');
  });
});
