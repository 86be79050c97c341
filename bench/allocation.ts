/** How many bytes of heap a task allocates, an operation: what the heap grew by over so few operations that nothing is collected meanwhile. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sink, type Task } from './measure.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export const allocation = (task: Task, { rounds = 9, count = 4000 } = {}): number => {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < count; i++) sink[0] = task.run();
    samples.push((process.memoryUsage().heapUsed - before) / count);
  }
  return Math.max(0, Math.round(samples.sort((a, b) => a - b)[rounds >> 1]!));
};
