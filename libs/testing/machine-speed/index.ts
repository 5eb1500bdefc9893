export { machineSlowdown, scaleDeadline, scaledDuration } from './machine-speed.js';
