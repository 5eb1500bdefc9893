export { Clock } from './clock.js';
export { ClockModule } from './clock.module.js';
export { SystemClock } from './system-clock.js';
export { withDeadline } from './with-deadline.js';
export { createLinkedController } from './linked-controller.js';
