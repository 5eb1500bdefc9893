export { MissingLists } from './missing-lists.js';
export { warningsOf, withWarnings } from './list-warnings.js';
export { LIST_PROVIDERS } from './list-providers.js';
export { ListFetcher } from './list-fetcher.js';
export { collectPages, type CompleteList } from './pages.js';
export { VisibleLists } from './visible-lists.js';
export type { ListAnswer } from './list-answer.js';
