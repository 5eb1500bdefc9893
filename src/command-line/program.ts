import { Command, CommanderError } from 'commander';
import { toStartErrorText } from '../bootstrap/index.js';
import { addAuditCommand } from './audit-command.js';
import { addCallCommand } from './call-command.js';
import { addCheckCommand } from './check-command.js';
import { CommandFault, ExitCode } from './exit-code.js';
import { addStartCommand } from './start-command.js';
import { toTerminalText } from './terminal-text.js';
import { addTokenCommand } from './token-command.js';

const EXIT_CODES = `
Exit codes:
  0  success
  1  failed: the gateway did not start, the file is invalid, or the tool reported an error
  2  the command line or a setting is invalid
  3  the call was not executed
  4  it is unknown whether the call was executed`;

/**
 * Runs one command. The process exits with its code, or goes on while a gateway runs. `tokenCommand` is how a user starts
 * `isthmus token` here, for the texts that name it.
 */
export async function runCommandLine(args: readonly string[], tokenCommand: string): Promise<void> {
  try {
    await createProgram(tokenCommand).parseAsync([...args], { from: 'user' });
  } catch (cause) {
    process.exit(reportFault(cause));
  }
}

export function createProgram(tokenCommand: string): Command {
  const program = new Command('isthmus')
    .description('MCP gateway that connects every client to every server.')
    .helpCommand(true)
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  addStartCommand(program, tokenCommand);
  addTokenCommand(program);
  addCheckCommand(program);
  addCallCommand(program);
  addAuditCommand(program);
  return program;
}

/** Prints why a command failed. Returns the exit code. */
function reportFault(cause: unknown): number {
  // The library has printed its message, or the help that was requested.
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? ExitCode.success : ExitCode.usage;
  if (cause instanceof CommandFault) {
    process.stderr.write(`${toTerminalText(cause.message)}\n`);
    return cause.exitCode;
  }
  process.stderr.write(`${toTerminalText(toStartErrorText(cause))}\n`);
  return ExitCode.failed;
}
