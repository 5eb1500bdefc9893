export { Drain, type DrainStep } from './drain.js';
export { EventLoopDelay } from './event-loop-delay.js';
export { LifecycleConfig } from './lifecycle.config.js';
export { LifecycleModule } from './lifecycle.module.js';
export { Readiness } from './readiness.js';
