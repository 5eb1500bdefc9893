import { parseArgs } from 'node:util';

/** Flags of `npm start -- …` and the settings that they set. */
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
Each flag sets one setting; docs/settings.md describes all settings.`;

/** An unknown flag, or a flag without its value. */
export class ArgumentFault extends Error {
  override readonly name = 'ArgumentFault';
}

/** Parses the flags. Returns the settings that they set, and whether help was requested. @throws ArgumentFault */
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
