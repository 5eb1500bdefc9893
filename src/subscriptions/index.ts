export { ChangeTeller, type ChangeOrigin } from './change-teller.js';
export { ChangeFeeds } from './change-feeds.js';
export type { Feed } from './feed.js';
export { ListViews, ListViewsSeat, type ListView, type Viewer } from './list-views.js';
export { SessionFeeds, type WatchedResource } from './session-feeds.js';
export { SubscriptionsModule } from './subscriptions.module.js';
