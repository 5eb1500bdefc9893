/** The program `isthmus`; `bin/isthmus.mjs` starts it. */
import { runCommandLine } from './program.js';
import { toTokenCommand } from './token-command.js';

await runCommandLine(process.argv.slice(2), toTokenCommand(process.argv[1] ?? ''));
