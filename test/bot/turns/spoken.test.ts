/** What a voice makes of a text: one stream of whole samples, a little ahead, and a ledger that knows which words lie where. */
import { expect, test } from 'vitest';
import type { SpokenChunk, TextToSpeech } from '../../../src/bot/speech/text-to-speech.js';
import { SpokenText } from '../../../src/bot/turns/spoken.js';

type Speak = (text: string) => AsyncIterable<SpokenChunk> | Iterable<SpokenChunk>;

function voice(speak: Speak): TextToSpeech {
  return {
    async *speak(text) {
      yield* speak(text as string);
    },
  };
}

const spokenBy = (text: string, speak: Speak): SpokenText => new SpokenText(text, { voice: voice(speak), sampleRate: 16_000 });

async function all(spoken: SpokenText): Promise<Int16Array> {
  const samples: number[] = [];
  for await (const piece of spoken) samples.push(...piece);
  return Int16Array.from(samples);
}

const ms = (length: number): Int16Array => new Int16Array(16 * length).fill(1000);

test('a sentence that ends in half a sample leaves the next one whole', async () => {
  const bytes = (count: number): Uint8Array => new Uint8Array(ms(50).buffer).slice(0, count);
  const samples = await all(spokenBy('One. Two.', (text) => [{ samples: bytes(text === 'One.' ? 1599 : 1600), sampleRate: 16_000 }]));
  expect(samples).toEqual(new Int16Array(799 + 800).fill(1000));
});

test('at another rate each sentence is as long as it was, to the millisecond that the filter rings', async () => {
  const samples = await all(spokenBy('One. Two. Three.', () => [{ samples: new Int16Array(2205), sampleRate: 22_050 }]));
  expect(Math.abs(samples.length / 16 - 300)).toBeLessThan(4);
});

test('what was heard: whole sentences, to the word where the voice tells of words, else by proportion and never half a word', async () => {
  const words = [
    { text: 'Four', atMs: 0 },
    { text: 'five', atMs: 300 },
    { text: 'six.', atMs: 700 },
  ];
  const spoken = spokenBy('One two three. Four five six.', (text) => [
    { samples: ms(1000), sampleRate: 16_000, ...(text.startsWith('Four') && { words }) },
  ]);
  await all(spoken);
  for (const [playedMs, heard] of [
    [0, ''],
    [200, ''],
    [700, 'One two'],
    [1000, 'One two three.'],
    [1001, 'One two three. Four'],
    [1300, 'One two three. Four'],
    [1310, 'One two three. Four five'],
    [1999, 'One two three. Four five six.'],
  ] as const)
    expect(spoken.heard(playedMs)).toBe(heard);
});

test('ten seconds ahead of who listens and no more; cancelled, the voice is told to stop', async () => {
  let made = 0;
  let wasStopped = false;
  const endless: TextToSpeech = {
    async *speak(_text, { signal }) {
      signal!.addEventListener('abort', () => {
        wasStopped = true;
      });
      for (; !wasStopped; made++) yield { samples: ms(100), sampleRate: 16_000 };
    },
  };
  const spoken = new SpokenText('On and on.', { voice: endless, sampleRate: 16_000 });
  await spoken.begun;
  for (let i = 0; i < 1000; i++) await Promise.resolve();
  expect(made).toBeLessThanOrEqual(101);
  const pieces = spoken[Symbol.asyncIterator]();
  await pieces.next();
  await pieces.return?.(undefined);
  expect(wasStopped).toBe(true);
});
