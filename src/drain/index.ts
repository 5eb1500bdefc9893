export { Drain, type DrainStep } from './drain.js';
export { DrainModule } from './drain.module.js';
