/** One process of `bench:compare`: the work, done with the sources of the checkout that is named; prints nanoseconds of CPU of its best round. What that checkout does not have is left out. */
import { pathToFileURL } from 'node:url';
import { answeringTasks } from './compare/answering.js';
import { engineTasks } from './compare/engine.js';
import { messageTasks } from './compare/message.js';
import { packetTasks } from './compare/packet.js';
import type { Work } from './compare/work.js';
import { measure } from './measure.js';

const source = pathToFileURL(`${process.argv[2]}/src/`);
/** All that some files of it export. */
const load = async <T>(...names: string[]): Promise<T> => {
  const files = await Promise.all(names.map((name) => import(new URL(`${name}.ts`, source).href) as Promise<object>));
  return Object.assign({}, ...files) as T;
};

const works: Work[] = [];
for (const make of [messageTasks, answeringTasks, packetTasks, engineTasks]) {
  try {
    works.push(...(await make(load)));
  } catch (error) {
    console.error(`${make.name}: ${(error as Error).message}`);
  }
}
const timings = measure(works, { rounds: 15, warmMs: 300 });
console.log(JSON.stringify(Object.fromEntries(timings.map(({ name, best }, i) => [name, best / (works[i]!.operations ?? 1)]))));
process.exit(0);
