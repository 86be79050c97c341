/**
 * What is made for a call dies with it, young. V8 takes a function that is written straight into a property (`x.onY = () => ...`) for a method of a
 * prototype, and an accessor in an object literal for a class of its own: both are allocated among the old, where they hold the whole call until the
 * next full collection (measured: docs/performance.md). A function in a class field, a parameter or an object literal is as young as its maker.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src/', import.meta.url));

/** Where what is made lives as long as a call or less. */
const ROOMS = ['rtp', 'session', 'sip/transaction', 'sip/dialog', 'sip/ua', 'bot', 'bot/turns'];
/** Made once for a process. */
const ONCE = new Set(['sip/ua/user-agent.ts', 'bot/sip-bot.ts']);

const files = ROOMS.flatMap((room) =>
  readdirSync(join(src, room))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${room}/${name}`),
).filter((file) => !ONCE.has(file));

function isFunction(node: ts.Expression): boolean {
  const bare = ts.isParenthesizedExpression(node) ? node.expression : node;
  return ts.isArrowFunction(bare) || ts.isFunctionExpression(bare);
}

function isOld(node: ts.Node): boolean {
  if (ts.isObjectLiteralExpression(node)) return node.properties.some((property) => ts.isAccessor(property));
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return false;
  return (ts.isPropertyAccessExpression(node.left) || ts.isElementAccessExpression(node.left)) && isFunction(node.right);
}

/** `code`: line numbers of what is allocated among the old. */
function oldIn(code: string): number[] {
  const source = ts.createSourceFile('x.ts', code, ts.ScriptTarget.ES2022, true);
  const found: number[] = [];
  const look = (node: ts.Node): void => {
    if (isOld(node)) found.push(source.getLineAndCharacterOfPosition(node.getStart()).line + 1);
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}

test('the rule sees what V8 would allocate among the old', () => {
  expect(oldIn('a.b = () => 1;\nthis.#c = function () {};\na[0] = (async (x) => x);\nf({ get d() { return 1; } });')).toEqual([1, 2, 3, 4]);
  expect(oldIn('const f = () => 1;\na.b = f;\nclass A { b = () => 1; get c() { return 1; } }\nf({ d: () => 1 });')).toEqual([]);
});

test.each(files)('%s makes nothing for a call that outlives it', (file) => {
  expect(oldIn(readFileSync(join(src, file), 'utf8'))).toEqual([]);
});
