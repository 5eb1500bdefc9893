import { CachedListSubscriptions } from './cached-list-subscriptions.js';
import { ItemChangePublisher } from './item-change-publisher.js';
import { ListCache } from './list-cache.js';
import { ListFetcher } from './list-fetcher.js';
import { ListRepair } from './list-repair.js';
import { VisibleLists } from './visible-lists.js';

/** What this folder adds to the providers of `DispatchModule`. */
export const LIST_PROVIDERS = [
  ListCache,
  CachedListSubscriptions,
  ListRepair,
  ListFetcher,
  VisibleLists,
  ItemChangePublisher,
];
