/** Makes the declarations of the package small: what no entry names keeps its shape and loses its comments, which no editor would show; nothing is indented, and a space stands only between two words. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const COMMENT = /^[ \t]*\/\*\*[\s\S]*?\*\/\n/gm;
const files = readdirSync(dist).filter((name) => name.endsWith('.d.cts'));
/** An entry `bot.d.cts` has a door `bot.cjs`; what several entries share is in chunks that have none. */
const isEntry = (name: string): boolean => readdirSync(dist).includes(name.replace('.d.cts', '.cjs'));

const texts = new Map(files.map((name) => [name, readFileSync(join(dist, name), 'utf8')]));
const named = new Set([...texts].filter(([name]) => isEntry(name)).flatMap(([, text]) => exportedBy(text)));
for (const [name, text] of texts) writeFileSync(join(dist, name), small(name, text));

function exportedBy(text: string): string[] {
  const lists = [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list]) => list!.split(','));
  return lists.map((one) => one.trim().split(' ').at(-1)!);
}

function small(name: string, text: string): string {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const parts = file.statements.map((statement) => {
    const part = text.slice(statement.pos, statement.end);
    return nameOf(statement).some((one) => named.has(one)) ? part : part.replace(COMMENT, '').replace(/^\n+/, '\n');
  });
  return `${parts
    .map(tight)
    .join('')
    .replace(/^[ \t]+/gm, '')}\n`;
}

/** Editors write types anew when they show them. */
function tight(part: string): string {
  // The scanner alone does not know where a template goes on.
  if (part.replace(COMMENT, '').includes('`')) return part;
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, false, ts.LanguageVariant.Standard, part);
  let out = '';
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    const isNeeded = /[\w$]$/.test(out) && /^[\w$]/.test(part.slice(scanner.getTokenEnd()));
    if (kind !== ts.SyntaxKind.WhitespaceTrivia || isNeeded) out += scanner.getTokenText();
  }
  return out;
}

/** What is no declaration (an import, an export) has no comments to lose. */
function nameOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText());
  const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
  return name === undefined ? [] : [name.text];
}
