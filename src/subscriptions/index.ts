export { ChangeNotifier as ChangeTeller, type ChangeOrigin } from './change-notifier.js';
export { ServerSubscriptions as ChangeFeeds } from './server-subscriptions.js';
export type { SubscriptionHandle as Feed } from './subscriber.js';
export { ListViews, DeferredListViews as ListViewsSeat, type ListView, type Viewer } from './list-views.js';
export {
  SessionSubscriptions as SessionFeeds,
  type SubscribedResource as WatchedResource,
} from './session-subscriptions.js';
export { SubscriptionsModule } from './subscriptions.module.js';
