export { TOO_LONG } from './definition-scan.js';
export { toDefinition, findDifferences, ID_MEMBERS, type Definition, type Difference } from './definition.js';
export type { FoundDefinition } from './definition-cache.js';
export { DefinitionGuard, type ListedItem } from './definition-guard.js';
export { originalOf, rememberOriginal } from './original-items.js';
export type { DefinedItem, ItemKind, ItemStatus, KnownItem } from './item-record.js';
export { Items } from './items.js';
export { ItemsModule } from './items.module.js';
export type { RestoredCounts, RestoredItem } from './restoration.js';
