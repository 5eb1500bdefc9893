import { parseArgs } from 'node:util';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Folder for what every worker has printed. */
  readonly logs?: string;
}

export const USAGE = 'Usage: npm run soak -- [--minutes <number, default 30>] [--seed <number>] [--logs <folder>]';

/** Throws with a sentence for the user when an argument is unknown. */
export function readOptions(args: readonly string[]): SoakOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { minutes: text, seed: text, logs: text } });
  const minutes = Number(values.minutes ?? 30);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!(minutes > 0)) throw new Error('The soak lasts a number of minutes above zero.');
  if (!Number.isInteger(seed)) throw new Error('A seed is a whole number.');
  return { minutes, seed, ...(values.logs === undefined ? {} : { logs: values.logs }) };
}
