export { MissingLists } from './missing-lists.js';
export { warningsOf, withWarnings } from './list-warnings.js';
export { LIST_PROVIDERS } from './list-providers.js';
export { ListCache } from './list-cache.js';
export { ListFetcher } from './list-fetcher.js';
export { ListRepair } from './list-repair.js';
export { collectPages, type CompleteList } from './pages.js';
export { VisibleLists } from './visible-lists.js';
export type { ListAnswer } from './list-answer.js';
