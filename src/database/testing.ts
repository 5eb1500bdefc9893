export type { DatabasePlace } from './database.config.js';
export { openDatabase } from './open-database.js';
