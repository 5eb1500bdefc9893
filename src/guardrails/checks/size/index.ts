export { SizeCheck } from './size-check.js';
