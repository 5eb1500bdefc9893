import type { Command } from 'commander';

/** Options of `isthmus start` and the settings that they set. */
const OPTIONS = [
  ['--host <address>', 'address to listen on', 'ISTHMUS_HOST'],
  ['--port <number>', 'port to listen on', 'ISTHMUS_PORT'],
  ['--workers <number>', 'number of worker processes', 'ISTHMUS_WORKERS'],
  ['--data-dir <path>', 'folder of the secrets and the embedded database', 'ISTHMUS_DATA_DIR'],
  ['--config <path>', 'configuration file', 'ISTHMUS_CONFIG'],
] as const;

const SETTINGS_NOTE = `
Each option sets the setting that it names; docs/settings.md describes all settings, which are environment variables.`;

/** Adds `isthmus start`, which runs the gateway. */
export function addStartCommand(program: Command, tokenCommand: string): void {
  const command = program
    .command('start')
    .description('run the gateway')
    .addHelpText('after', SETTINGS_NOTE)
    .allowExcessArguments(false)
    .action(async (values: Readonly<Record<string, string | undefined>>) => {
      // Loads the whole gateway, which no other command needs.
      const { startGateway } = await import('./start-gateway.js');
      await startGateway(toSettings(command, values), tokenCommand);
    });
  for (const [flags, description, variable] of OPTIONS) command.option(flags, `${description} (${variable})`);
}

function toSettings(command: Command, values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [flags, , variable] of OPTIONS) {
    const name = command.options.find((option) => option.flags === flags)?.attributeName();
    const value = name === undefined ? undefined : values[name];
    if (value !== undefined) settings[variable] = value;
  }
  return settings;
}
