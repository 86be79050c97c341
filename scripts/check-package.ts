/** What npm would publish, looked at from outside: contents, size, publint, attw, and two consumers type-checked and run against the tarball. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'sipbot-package-'));
const MAX_UNPACKED_BYTES = 1_000_000;
let passed = 0;
let failed = 0;

async function check(name: string, run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
    passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed++;
    const output = error as { stdout?: Buffer; stderr?: Buffer; message?: string };
    console.log(`FAILED  ${name}\n${output.stdout ?? ''}${output.stderr ?? ''}${output.message ?? ''}`);
  }
}

function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function bin(name: string): string {
  return join(root, 'node_modules', '.bin', name);
}

const [packed] = JSON.parse(npm(root, 'pack', '--json', '--pack-destination', work)) as {
  filename: string;
  unpackedSize: number;
  files: { path: string }[];
}[];
if (packed === undefined) throw new Error('npm pack said nothing');
const tarball = join(work, packed.filename);

await check('the tarball holds only what a user needs', () => {
  const strangers = packed.files
    .map((file) => file.path)
    .filter((path) => !/^(dist\/[^/]+|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(path));
  if (strangers.length > 0) throw new Error(strangers.join('\n'));
});

await check(`unpacked it is under ${MAX_UNPACKED_BYTES} bytes (${packed.unpackedSize})`, () => {
  if (packed.unpackedSize >= MAX_UNPACKED_BYTES) throw new Error(`${packed.unpackedSize} bytes`);
});

await check('no install script, no compiler', () => {
  const { scripts = {} } = JSON.parse(execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' })) as {
    scripts?: Record<string, string>;
  };
  const hooks = ['preinstall', 'install', 'postinstall', 'prepare'].filter((hook) => hook in scripts);
  if (hooks.length > 0) throw new Error(hooks.join(', '));
});

await check('publint', () => {
  console.log(execFileSync(bin('publint'), ['run', tarball, '--strict'], { encoding: 'utf8', cwd: root }).trim());
});

await check('are the types wrong?', () => {
  execFileSync(bin('attw'), [tarball, '--profile', 'node16'], { encoding: 'utf8', cwd: root });
});

for (const kind of ['esm', 'cjs'] as const) {
  const home = join(work, kind);
  await check(`a ${kind} project installs it, type-checks against it and runs it`, () => {
    cpSync(join(root, 'test', 'consumers', kind), home, { recursive: true });
    writeFileSync(
      join(home, 'package.json'),
      JSON.stringify({ name: `consumer-${kind}`, private: true, type: kind === 'esm' ? 'module' : 'commonjs' }),
    );
    npm(home, 'install', '--no-save', '--ignore-scripts', '--prefer-offline', tarball);
    const source = kind === 'esm' ? 'main.mts' : 'main.cts';
    const flags = [
      '--strict',
      '--exactOptionalPropertyTypes',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--moduleResolution',
      'nodenext',
    ];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
    execFileSync(bin('tsc'), [...flags, ...types, '--outDir', join(home, 'out'), join(home, source)], { cwd: home, encoding: 'utf8' });
    const out = execFileSync(process.execPath, [join(home, 'out', source.replace('ts', 'js'))], {
      cwd: home,
      encoding: 'utf8',
      timeout: 30_000,
    });
    if (!out.includes('consumer ok')) throw new Error(out);
  });
}

await check('npx sipbot: the installed command shows a whole call, and what is no command is exit code 2', () => {
  const home = join(work, 'esm');
  const command = join(home, 'node_modules', '.bin', 'sipbot');
  const out = execFileSync(command, ['demo', '--once', '--folder', join(work, 'recordings')], {
    cwd: home,
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (!/packets sent, \d+ heard, 0 lost/.test(out)) throw new Error(out);
  const { status } = spawnSync(command, ['dance'], { cwd: home });
  if (status !== 2) throw new Error(`exit code ${status}`);
});

await check('npx sipbot: a command that stays ends at SIGTERM, with exit code 0', async () => {
  const home = join(work, 'esm');
  const command = join(home, 'node_modules', '.bin', 'sipbot');
  const child = spawn(command, ['listen', '--host', '127.0.0.1', '--port', '0'], { cwd: home, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  const limit = setTimeout(() => child.kill('SIGKILL'), 30_000);
  let said = '';
  for await (const text of child.stderr.setEncoding('utf8')) {
    const was = said.includes('listening on udp');
    said += text;
    // Once: a second signal ends it without a good-bye.
    if (!was && said.includes('listening on udp')) child.kill('SIGTERM');
  }
  const [status] = await ended;
  clearTimeout(limit);
  if (status !== 0) throw new Error(`exit code ${status}: ${said}`);
});

rmSync(work, { recursive: true, force: true });
console.log(`package: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
