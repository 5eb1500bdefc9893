export {
  toDefinition as definitionOf,
  findDifferences as differencesOf,
  ID_MEMBERS as LABELS,
  type Difference,
} from './definition.js';
export type { DefinedItem, ItemOverrides as ItemChoice, ItemKind, ItemStatus, KnownItem } from './item-record.js';
export { Items } from './items.js';
export { ItemsModule } from './items.module.js';
export type { RestoredCounts, RestoredItem } from './restoration.js';
