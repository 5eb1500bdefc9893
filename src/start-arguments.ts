import { parseArgs } from 'node:util';

/** Flags of `npm start -- …` and the settings that they stand for. */
const FLAGS = {
  host: 'ISTHMUS_HOST',
  port: 'ISTHMUS_PORT',
  workers: 'ISTHMUS_WORKERS',
  'data-dir': 'ISTHMUS_DATA_DIR',
  config: 'ISTHMUS_CONFIG',
} as const;

export const USAGE = `Usage: npm start -- [${Object.keys(FLAGS)
  .map((flag) => `--${flag} …`)
  .join('] [')}]
Each flag stands for a setting; docs/settings.md lists them all.`;

/** A flag that there is not, or one without its value. */
export class ArgumentFault extends Error {
  override readonly name = 'ArgumentFault';
}

/** The settings that the flags stand for. `help` is there when it was asked for. @throws ArgumentFault */
export function readArguments(args: readonly string[]): {
  readonly help: boolean;
  readonly settings: Record<string, string>;
} {
  const options = Object.fromEntries(Object.keys(FLAGS).map((flag) => [flag, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean' } }, strict: true });
    const settings: Record<string, string> = {};
    for (const [flag, variable] of Object.entries(FLAGS)) {
      const value = (values as Record<string, unknown>)[flag];
      if (typeof value === 'string') settings[variable] = value;
    }
    return { help: values.help === true, settings };
  } catch (cause) {
    throw new ArgumentFault(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`);
  }
}
