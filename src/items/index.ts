export { toDefinition, findDifferences, ID_MEMBERS, type Difference } from './definition.js';
export type { DefinedItem, ItemKind, ItemStatus, KnownItem } from './item-record.js';
export { Items } from './items.js';
export { ItemsModule } from './items.module.js';
export type { RestoredCounts, RestoredItem } from './restoration.js';
export { rememberOriginal } from './original-items.js';
