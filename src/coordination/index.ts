export { Coordination } from './coordination.js';
export { CoordinationModule } from './coordination.module.js';
