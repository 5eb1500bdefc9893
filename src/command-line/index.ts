export { runCommandLine } from './program.js';
