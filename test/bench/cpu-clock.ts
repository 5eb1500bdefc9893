import { cpus } from 'node:os';

/** Milliseconds that a core has been busy since the machine started, for all processes. */
export function coreBusyMs(core: number): number {
  const times = cpus()[core]?.times;
  if (times === undefined) return 0;
  return times.user + times.nice + times.sys + times.irq;
}
