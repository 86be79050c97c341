/** What the documents say, held against what is there: every `ts` block compiles, every link leads somewhere, every table of the house equals the house. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const documents = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  'bench/README.md',
  'test/data/README.md',
  'test/traces/README.md',
].filter((path) => path.endsWith('.md'));

/** What a block without imports of its own may take for granted: all of `sipbot`, a bot, its call, and the speech that we do not bring. */
const FOR_GRANTED = `
import { readFile } from 'node:fs/promises';
import { CallError, CallTracer, Conference, EchoBot, Ladder, ListenError, OptionError, RegistrationError, SipBot, dtmfTone, progressTone, sineTone } from 'sipbot';
import type { AudioFrame, Bot, Call, CallEnd, DtmfDigit, Logger, TransferRequest } from 'sipbot';
declare const bot: SipBot;
declare const call: Call;
declare function textToSpeech(text: string): AsyncIterable<Int16Array>;
declare function recognise(samples: Int16Array): void;
export async function block() {
`;

interface Block {
  /** Where people find it: the document and the line of its first row. */
  readonly place: string;
  readonly line: number;
  readonly source: string;
  readonly linesBefore: number;
}

function blocksOf(document: string): Block[] {
  return [...read(document).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => {
    const line = read(document).slice(0, match.index).split('\n').length + 1;
    const code = match[1]!;
    const isWhole = /^import /m.test(code);
    return {
      place: document,
      line,
      source: isWhole ? `${code}\nexport {};\n` : `${FOR_GRANTED}${code}\n}\n`,
      linesBefore: isWhole ? 0 : FOR_GRANTED.split('\n').length - 1,
    };
  });
}

/** The compiler's complaints, with the document's own line numbers. */
function complaints(blocks: readonly Block[]): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const files = new Map(blocks.map((block) => [join(root, `docs-block-${block.place.replace(/\W/g, '-')}-${block.line}.ts`), block]));
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (name, ...rest) => {
    const block = files.get(name);
    return block === undefined ? getSourceFile(name, ...rest) : ts.createSourceFile(name, block.source, ts.ScriptTarget.ES2022);
  };
  host.fileExists = (name) => files.has(name) || fileExists(name);
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([name, block]) => {
    const file = program.getSourceFile(name)!;
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(({ start = 0, messageText }) => {
      const { line } = file.getLineAndCharacterOfPosition(start);
      return `${block.place}:${block.line + line - block.linesBefore} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}

/** The rows of the first table behind a heading, without its head: cells as they stand. */
function table(document: string, heading: string): string[][] {
  const text = read(document);
  const at = text.indexOf(`\n## ${heading}\n`);
  expect(at, `${document} has a heading '${heading}'`).toBeGreaterThan(0);
  const lines = text.slice(at).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|---'));
  const rows: string[][] = [];
  for (const line of lines.slice(first + 1)) {
    if (!line.startsWith('|')) break;
    rows.push(
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

const coded = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

/** A `const` of architecture.test.ts: an object of names and lists of names. */
function ofTheHouse(name: string): Record<string, string[]> {
  const body = new RegExp(`const ${name}: [^=]+= \\{\\n([\\s\\S]*?)\\n\\};`).exec(read('test/architecture.test.ts'))![1]!;
  const rows = [...body.matchAll(/^ {2}'?([\w/.-]+)'?: \[(.*)\],$/gm)];
  expect(rows.length).toBeGreaterThan(5);
  return Object.fromEntries(rows.map(([, key, list]) => [key!, [...list!.matchAll(/'([^']+)'/g)].map((match) => match[1]!)]));
}

describe('the documents', () => {
  test('every ts block compiles against the sources; one that is wrong would be told with its line', () => {
    const blocks = documents.flatMap(blocksOf);
    expect(blocks.length).toBeGreaterThan(30);
    const wrong: Block = {
      place: 'x.md',
      line: 7,
      source: `${FOR_GRANTED}await call.anwser();\n}\n`,
      linesBefore: FOR_GRANTED.split('\n').length - 1,
    };
    expect(complaints([...blocks, wrong])).toEqual([expect.stringMatching(/^x\.md:7 Property 'anwser' does not exist/)]);
  });

  test('every link within the project leads somewhere', () => {
    const dead = documents.flatMap((document) =>
      [...read(document).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)]
        .map((match) => match[1]!.split('#') as [string, string?])
        .filter(([path, anchor]) => {
          const target = path === '' ? join(root, document) : join(root, dirname(document), path);
          if (!existsSync(target)) return true;
          return anchor !== undefined && !anchorsOf(target).includes(anchor);
        })
        .map(([path, anchor]) => `${document}: ${path}${anchor === undefined ? '' : `#${anchor}`}`),
    );
    expect(dead).toEqual([]);
  });

  test('every file that is named is there', () => {
    const missing = documents.flatMap((document) =>
      [...read(document).matchAll(/`((?:src|test|scripts|examples|bench)\/[\w./-]+\.\w+)/g)]
        .map((match) => match[1]!)
        .filter((path) => !path.startsWith('bench/results/') && !existsSync(join(root, path)))
        .map((path) => `${document}: ${path}`),
    );
    expect(missing).toEqual([]);
  });

  test('the first screen of the README is the first example', () => {
    const lines = /```ts\n([\s\S]*?)```/.exec(read('README.md'))![1]!.split('\n');
    const echo = read('examples/01-echo.ts').split('\n');
    const inCall = lines.filter((line) => line.includes('call')).map((line) => line.replace(/ *\/\/.*$/, '').trim());
    expect(inCall.length).toBeGreaterThan(2);
    for (const line of inCall) expect(echo.map((one) => one.trim())).toContain(line);
  });

  test('what the README claims to be done or partly done names tests that are there; what is not names none', () => {
    for (const [what, , state, proof] of table('README.md', 'What it speaks')) {
      const files = [...(proof ?? '').matchAll(/\]\((test\/[^)]+\.test\.ts)\)/g)];
      expect(['done', 'partly', 'not'], what).toContain(state);
      expect(files.length > 0, what).toBe(state !== 'not');
    }
  });
});

describe('docs/guide.md', () => {
  const namesOf = (declaration: string): string[] => {
    const body = new RegExp(`export interface ${declaration} [^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(read('src/bot/options.ts'))![1]!;
    return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1]!);
  };
  const tables = read('docs/guide.md').split('\n## All options\n')[1]!.split('\nOf a trunk:\n');
  const listed = (text: string): string[] => [...text.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]!);

  test('it lists every option of a SipBot, and no other', () => {
    expect(listed(tables[0]!).sort()).toEqual([...namesOf('AccountOptions'), ...namesOf('SipBotOptions')].sort());
  });

  test('it lists every option of a trunk, and no other', () => {
    expect(listed(tables[1]!).sort()).toEqual(namesOf('TrunkOptions').sort());
  });
});

describe('ARCHITECTURE.md', () => {
  test('its arrows are those of the test of the house', () => {
    const arrows = Object.fromEntries(
      table('ARCHITECTURE.md', 'Arrows').flatMap(([rooms, to]) => coded(rooms!).map((room) => [room, coded(to!)])),
    );
    const sorted = (rooms: Record<string, string[]>) =>
      Object.fromEntries(Object.entries(rooms).map(([room, to]) => [room, [...to].sort()]));
    expect(sorted(arrows)).toEqual(sorted(ofTheHouse('MAY_IMPORT')));
  });

  test('the files that touch the world outside are those of the test of the house', () => {
    const touching = Object.fromEntries(
      table('ARCHITECTURE.md', 'What touches the world outside').map(([file, modules]) => [coded(file!)[0]!, coded(modules!)]),
    );
    expect(touching).toEqual(ofTheHouse('MAY_TOUCH'));
  });

  test('it names every dependency, and none that is not there', () => {
    const { dependencies, peerDependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const named = table('ARCHITECTURE.md', 'Dependencies').flatMap(([packages]) => coded(packages!));
    const there = [dependencies, peerDependencies, devDependencies].flatMap((packages) => Object.keys(packages!));
    expect([...new Set(named)].sort()).toEqual([...new Set(there)].sort());
  });

  test('it tells every place where the code says Deviation', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'));
    const deviating = sources.filter((file) => file.endsWith('.ts') && /\bDeviation\b/.test(read(`src/${file}`)));
    const told = table('ARCHITECTURE.md', 'Deviations').flatMap(([file]) => coded(file!));
    expect([...new Set(told)].sort()).toEqual(deviating.sort());
  });
});

/** As GitHub makes them of headings. */
function anchorsOf(path: string): string[] {
  if (!path.endsWith('.md')) return [];
  return [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
