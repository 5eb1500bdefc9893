export { Coordination, type SharedRedis } from './coordination.js';
export { CoordinationModule } from './coordination.module.js';
