/** The house as the code has it: imports point one way, nothing goes round in a circle, and only the marked rooms touch the world outside. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src/', import.meta.url));

/** Importable from everywhere; they import nothing of ours but each other's types. */
const ROOTS = new Set(['clock.ts', 'random.ts', 'errors.ts', 'log.ts', 'network.ts']);

/** A room → the rooms it may import directly from, besides itself and the roots. A longer name wins over a shorter one. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  codec: [],
  rtp: ['codec'],
  'sip/message': [],
  'sip/transaction': ['sip/message'],
  'sip/dialog': ['sip/transaction', 'sip/message'],
  'sip/auth': ['sip/transaction', 'sip/message'],
  'sip/transport': ['sip/message'],
  'sip/ua': ['sip/message', 'sip/transaction', 'sip/dialog', 'sip/auth', 'sip/transport'],
  session: ['sip/message', 'sip/ua', 'sip/dialog', 'sip/transport', 'rtp', 'codec'],
  bot: ['session', 'codec', 'sip/message', 'sip/ua', 'sip/dialog', 'sip/transport', 'sip/auth', 'rtp', 'trace'],
  trace: ['sip/message'],
  cli: ['*'],
  testing: ['*'],
};

/** Rooms that may hold only the types of another. */
const TYPES_ONLY: Record<string, readonly string[]> = {};

const OUTSIDE = /^(ws|node:(dgram|net|tls|dns|dns\/promises|worker_threads|fs|fs\/promises|http|https|child_process|cluster))$/;

/** The only files that may touch sockets, threads or the disk. */
const MAY_TOUCH: Record<string, readonly string[]> = {
  'bot/recorder.ts': ['node:fs/promises'],
  'bot/wire/web-socket.ts': ['ws'],
  'bot/sound.ts': ['node:fs/promises'],
  'sip/transport/udp.ts': ['node:dgram'],
  'sip/transport/tcp.ts': ['node:net'],
  'sip/transport/tls.ts': ['node:tls'],
  'sip/transport/ws.ts': ['node:http', 'node:https', 'ws'],
  'sip/transport/resolver.ts': ['node:dns/promises'],
  'codec/opus-library.ts': ['node:fs/promises'],
  'codec/silero-thread.ts': ['node:worker_threads'],
  'rtp/socket.ts': ['node:dgram'],
  'rtp/engine-thread.ts': ['node:worker_threads'],
  'rtp/engine-worker.ts': ['node:worker_threads'],
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'));

const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8');
  const found = [
    ...text.matchAll(/^(?:import|export)\s+(type\s+)?[^;'"]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm),
  ];
  return found.map((match) => {
    const target = match[2] ?? match[3] ?? match[4]!;
    const to = target.startsWith('.') ? relative(src, normalize(join(src, dirname(file), target))).replace(/\.js$/, '.ts') : target;
    return { from: file, to, isType: match[1] !== undefined };
  });
});

function roomOf(file: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((room) => file.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];
}

describe('the house', () => {
  test('every file is in a room, a root, or one of the public entries', () => {
    const homeless = files.filter((file) => roomOf(file) === undefined && file.includes('/'));
    expect(homeless).toEqual([]);
    expect(files.length).toBeGreaterThan(5);
  });

  test('arrows point only where the table allows', () => {
    const wrong = imports
      .filter(({ from, to }) => roomOf(from) !== undefined && to.endsWith('.ts') && files.includes(to))
      .filter(({ from, to, isType }) => {
        const here = roomOf(from)!;
        const there = roomOf(to);
        if (ROOTS.has(to) || there === here) return false;
        if (there === undefined) return here !== 'cli' && here !== 'testing';
        const allowed = MAY_IMPORT[here]!;
        return !(allowed.includes('*') || allowed.includes(there) || (isType && (TYPES_ONLY[here] ?? []).includes(there)));
      })
      .map(({ from, to }) => `${from} -> ${to}`);
    expect(wrong).toEqual([]);
  });

  test('the roots import nothing of ours', () => {
    expect(imports.filter(({ from, to }) => ROOTS.has(from) && to.endsWith('.ts')).map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  test('no import goes round in a circle', () => {
    const graph = new Map<string, string[]>(files.map((file) => [file, []]));
    for (const { from, to, isType } of imports) if (!isType && graph.has(to)) graph.get(from)!.push(to);
    const state = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const next of graph.get(file)!) visit(next, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  test('sockets, threads and the disk are touched only in the marked rooms', () => {
    const wrong = imports
      .filter(({ from, to, isType }) => OUTSIDE.test(to) && !isType && !from.startsWith('cli/'))
      .filter(({ from, to }) => !(MAY_TOUCH[from] ?? []).includes(to))
      .map(({ from, to }) => `${from} -> ${to}`);
    expect(wrong).toEqual([]);
  });

  test('services are asked by HTTP from one file only', () => {
    const asking = files.filter((file) => {
      const code = readFileSync(join(src, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      return !file.startsWith('cli/') && /(?<![.#\w])fetch\(/.test(code);
    });
    expect(asking).toEqual(['bot/wire/http.ts']);
  });

  test('the core asks no clock and draws no lots of its own', () => {
    const allowed = new Set(['clock.ts', 'random.ts']);
    const wrong = files.filter((file) => {
      if (allowed.has(file) || file.startsWith('cli/')) return false;
      const code = readFileSync(join(src, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      return /\bDate\.now\(|\bMath\.random\(|\bsetTimeout\(|\bsetInterval\(|\bperformance\.now\(|process\.hrtime/.test(code);
    });
    expect(wrong).toEqual([]);
  });
});
