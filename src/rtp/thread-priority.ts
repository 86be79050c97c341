/** Media go first: a thread that keeps time is given the processor before those that can wait, its own application's among them. */
import { constants, getPriority, setPriority } from 'node:os';

/** To be called in the thread itself. Where the system does not allow it, everything stays as it was. */
export function comesFirst(): void {
  // Only Linux understands 0 as the thread that asks: elsewhere it is the whole process.
  if (process.platform !== 'linux') return;
  try {
    const { PRIORITY_HIGHEST, PRIORITY_ABOVE_NORMAL } = constants.priority;
    // So much before the application's thread, whatever that was given; not more: on a core that is too small for both, signalling must have its share.
    setPriority(0, Math.max(PRIORITY_HIGHEST, getPriority(0) + PRIORITY_ABOVE_NORMAL));
  } catch {
    // Not root, or root without the capability (CAP_SYS_NICE).
  }
}
