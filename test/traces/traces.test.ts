/** Dialogs with real peers, recorded once and replayed ever since. Each file says in its first line what it shows. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadOpus } from '../../src/codec/opus-library.js';
import { replay } from './replay.js';
import { readRtp, readTrace, writeTrace } from './trace-file.js';

const folder = fileURLToPath(new URL('./recorded/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.trace'));
/** Between when a machine did something while it was recorded, and when it would have been due. */
const DAWDLING_MS = 500;

beforeAll(() => loadOpus());

describe('recorded traces', () => {
  test.each(files.map((file) => [file, readTrace(readFileSync(`${folder}${file}`, 'utf8'))] as const))('%s', async (file, trace) => {
    expect(writeTrace(trace)).toBe(readFileSync(`${folder}${file}`, 'utf8'));
    const pcap = `${folder}${file.replace(/trace$/, 'pcap')}`;
    const rtp = existsSync(pcap) ? readRtp(readFileSync(pcap)) : [];
    const { recorded, sent, recordedWords, words, latestMs, heardMs } = await replay(trace, rtp);
    expect(sent).toEqual(recorded);
    expect(words).toEqual(recordedWords);
    expect(recorded.length).toBeGreaterThan(0);
    expect(latestMs).toBeLessThan(DAWDLING_MS);
    const [, expectedMs] = /(\d+) ms of sound/.exec(trace.shows) ?? [];
    if (expectedMs !== undefined) expect(heardMs).toBeGreaterThan(Number(expectedMs));
  });
});
