import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sentencesOf } from '../../../src/bot/turns/sentences.js';

async function cut(text: string, pieces: number[] = []): Promise<string[]> {
  async function* written(): AsyncGenerator<string> {
    let at = 0;
    for (const length of pieces) {
      yield text.slice(at, at + length);
      at += length;
    }
    yield text.slice(at);
  }
  const sentences: string[] = [];
  for await (const sentence of sentencesOf(pieces.length === 0 ? text : written())) sentences.push(sentence);
  return sentences;
}

test('sentences, whole: numbers, titles and quotes do not cut them', async () => {
  expect(await cut('Hello! It is 3.5 degrees. Dr. Who said: "Wait." Then?')).toEqual([
    'Hello!',
    'It is 3.5 degrees.',
    'Dr. Who said:',
    '"Wait."',
    'Then?',
  ]);
  expect(await cut('One\nTwo\n\n...\n')).toEqual(['One', 'Two']);
  expect(await cut('你好。再见。')).toEqual(['你好。', '再见。']);
  expect(await cut('')).toEqual([]);
});

test('what never ends is cut at a space', async () => {
  const sentences = await cut('word '.repeat(200));
  expect(sentences.length).toBeGreaterThan(3);
  for (const sentence of sentences) expect(sentence.length).toBeLessThanOrEqual(300);
});

test('however it comes, the same sentences, and no word is lost', async () => {
  const texts = fc.array(fc.constantFrom('word ', 'end. ', 'Dr. ', '3.5 ', 'what? ', '\n', '! ', 'long'.repeat(90)), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(texts, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 }), async (parts, pieces) => {
      const text = parts.join('');
      const letters = (all: string): string => all.replace(/[^\p{L}\p{N}]/gu, '');
      const whole = await cut(text);
      const pieced = await cut(text, pieces);
      expect(letters(whole.join(''))).toBe(letters(text));
      expect(letters(pieced.join(''))).toBe(letters(text));
    }),
    { numRuns: 100 },
  );
});
