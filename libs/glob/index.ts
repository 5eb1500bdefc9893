export { compileGlob, compileGlobs } from './glob.js';
