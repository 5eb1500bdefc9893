export { ManualTimer } from './manual-timer.js';
