export { ChangeFeeds, type Feed } from './change-feeds.js';
export { Coalescer } from './coalescer.js';
export { SessionFeeds, type WatchedResource } from './session-feeds.js';
export { SubscriptionsModule } from './subscriptions.module.js';
