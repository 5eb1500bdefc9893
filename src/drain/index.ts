export { Drain, type DrainStep as LeavingStep } from './drain.js';
export { DrainModule } from './drain.module.js';
