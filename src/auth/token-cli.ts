/** The program `isthmus token` under its earlier path, which scripts of operators run. */
import { runCommandLine } from '../command-line/index.js';

await runCommandLine(['token', ...process.argv.slice(2)], 'isthmus token');
