/** What a test measured, told beneath the matrix by `scripts/interop.ts`. */
import type { TestContext } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    figures?: string;
  }
}

export function tellFigures({ meta }: TestContext['task'], figures: Readonly<Record<string, number | string>>): void {
  const text = (value: number | string): string => (typeof value === 'number' ? String(Math.round(value * 100) / 100) : value);
  meta.figures = Object.entries(figures)
    .map(([name, value]) => `${name} ${text(value)}`)
    .join(', ');
}
