export { DenyCheck } from './deny-check.js';
export { DenyRule } from './deny-options.js';
