import { parseArgs } from 'node:util';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Folder for the output of all workers. */
  readonly logs?: string;
}

export const USAGE = 'Usage: npm run soak -- [--minutes <number, default 30>] [--seed <number>] [--logs <folder>]';

/** Throws an error for the user when an argument is invalid. */
export function readOptions(args: readonly string[]): SoakOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { minutes: text, seed: text, logs: text } });
  const minutes = Number(values.minutes ?? 30);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!(minutes > 0)) throw new Error('--minutes must be a number above zero.');
  if (!Number.isInteger(seed)) throw new Error('--seed must be an integer.');
  return { minutes, seed, ...(values.logs === undefined ? {} : { logs: values.logs }) };
}
