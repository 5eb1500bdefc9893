/** `npm start`: the same as `isthmus start`. */
import { runCommandLine } from './command-line/index.js';

await runCommandLine(['start', ...process.argv.slice(2)], 'npm run token --');
