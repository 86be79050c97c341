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

/** CPU time, not the clock's: what the machine does meanwhile for others is not the task's doing. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const time = (task: Task, count: number): number => {
  const from = cpuMs();
  for (let i = 0; i < count; i++) sink[0] = task.run();
  return ((cpuMs() - from) * 1e6) / count;
};

export const measure = (tasks: readonly Task[], { rounds = 25, roundMs = 10, warmMs = 400 } = {}): Timing[] => {
  const counts = tasks.map((task) => {
    let count = 0;
    let spent = 0;
    // The compiler works beside us and is counted too: only the second half of the warming tells how fast it is.
    for (const half of [0, 1]) {
      const from = cpuMs();
      for (count = 0; cpuMs() - from < warmMs / 2; count += 16) for (let i = 0; i < 16; i++) sink[0] = task.run();
      spent = half === 0 ? 0 : cpuMs() - from;
    }
    return Math.max(1, Math.round((count * roundMs) / spent));
  });
  const samples = tasks.map((): number[] => []);
  for (let round = 0; round < rounds; round++) for (const [i, task] of tasks.entries()) samples[i]!.push(time(task, counts[i]!));
  return tasks.map(({ name }, i) => {
    const sorted = samples[i]!.sort((a, b) => a - b);
    return { name, ns: sorted[sorted.length >> 1]!, best: sorted[0]! };
  });
};
