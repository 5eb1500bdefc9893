export { Drain, type LeavingStep } from './drain.js';
export { DrainModule } from './drain.module.js';
