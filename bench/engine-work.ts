/**
 * What the engine itself does for a pair of packets, without sockets or threads. `npm run bench -- engine-work [--streams 500] [--rate 8000,16000]`:
 * microseconds of CPU and bytes allocated a pair; both are ours alone, whatever dgram adds.
 */

import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MediaEngine } from '../src/rtp/engine.js';
import { writeRtp } from '../src/rtp/header.js';
import { ManualClock } from '../src/testing/manual-clock.js';
import { openRounds } from './engine-rounds.js';
import { save } from './report.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '8000,16000' },
  },
});

const held = (): number => {
  collect();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return heapUsed + arrayBuffers + external;
};

async function measure(streams: number, rate: number, seconds: number) {
  const before = held();
  const rounds = await openRounds({ MediaEngine, ManualClock, writeRtp }, streams, rate);
  const turn = (count: number): void => {
    for (let i = 0; i < count; i++) rounds.turn();
  };
  turn(100);
  const bytesAStream = (held() - before) / streams;
  const count = seconds * 50;
  let allocated = 0;
  // Between two collections the heap only grows: counted in short stretches, those that shrank are left out.
  let counted = 0;
  const cpu = process.cpuUsage();
  for (let done = 0; done < count; done += 5) {
    const heap = process.memoryUsage().heapUsed;
    turn(5);
    const grown = process.memoryUsage().heapUsed - heap;
    if (grown < 0) continue;
    allocated += grown;
    counted += 5;
  }
  const { user, system } = process.cpuUsage(cpu);
  await rounds.close();
  return { streams, rate, usAPair: (user + system) / (count * streams), bytesAPair: allocated / (counted * streams), bytesAStream };
}

const results: Awaited<ReturnType<typeof measure>>[] = [];
for (const rate of values.rate.split(',').map(Number)) {
  const result = await measure(Number(values.streams), rate, Number(values.seconds));
  const { streams, usAPair, bytesAPair, bytesAStream } = result;
  results.push(result);
  console.log(
    `${streams} streams, ${rate / 1000} kHz bot: ${usAPair.toFixed(2)} us CPU, ${bytesAPair.toFixed(0)} bytes allocated per pair; ${(bytesAStream / 1000).toFixed(1)} kB per stream`,
  );
}
save('engine-work', results);
