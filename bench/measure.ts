/** Times tasks side by side: every round runs each of them for a while, so that a slow moment of the machine falls on all alike. */

export interface Task {
  readonly name: string;
  readonly run: () => unknown;
}

export interface Timing {
  readonly name: string;
  /** Median over the rounds, nanoseconds of CPU an operation. */
  readonly ns: number;
  /** The best round. */
  readonly best: number;
}

/** What the tasks give is kept here, so that no compiler leaves their work out. */
export const sink: unknown[] = [undefined];

const time = (task: Task, count: number): number => {
  // CPU time, not the clock's: what the machine does meanwhile for others is not the task's doing.
  const from = process.cpuUsage();
  for (let i = 0; i < count; i++) sink[0] = task.run();
  const { user, system } = process.cpuUsage(from);
  return ((user + system) * 1000) / count;
};

export const measure = (tasks: readonly Task[], { rounds = 25, roundMs = 10, warmMs = 300 } = {}): Timing[] => {
  const counts = tasks.map((task) => {
    const until = performance.now() + warmMs;
    let count = 0;
    for (; performance.now() < until; count++) sink[0] = task.run();
    return Math.max(1, Math.round((count * roundMs) / warmMs));
  });
  const samples = tasks.map((): number[] => []);
  for (let round = 0; round < rounds; round++) for (const [i, task] of tasks.entries()) samples[i]!.push(time(task, counts[i]!));
  return tasks.map(({ name }, i) => {
    const sorted = samples[i]!.sort((a, b) => a - b);
    return { name, ns: sorted[sorted.length >> 1]!, best: sorted[0]! };
  });
};
