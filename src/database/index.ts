export { DatabaseConfig } from './database.config.js';
export { DatabaseFault, DatabaseUnavailable } from './database.errors.js';
export { DatabaseModule } from './database.module.js';
export { Database } from './database.js';
export { CoalescedRefresh } from './coalesced-refresh.js';
export {
  readBoolean,
  readInstant,
  readJson,
  writeJson,
  type StoredBoolean,
  type StoredInstant,
  type StoredJson,
} from './stored-values.js';
