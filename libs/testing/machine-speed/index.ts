export { scaleDeadline, scaledDuration } from './machine-speed.js';
