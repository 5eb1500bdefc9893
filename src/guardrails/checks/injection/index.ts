export { InjectionCheck } from './injection-check.js';
