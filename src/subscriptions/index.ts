export { isRetriable } from './pending-subscriber.js';
export { ChangeNotifier, toOrigins, type ChangeOrigin } from './change-notifier.js';
export { ServerSubscriptions } from './server-subscriptions.js';
export type { SubscriptionHandle } from './subscriber.js';
export { ListViews, DeferredListViews, type ListView, type Viewer } from './list-views.js';
export { SessionSubscriptions, type SubscribedResource } from './session-subscriptions.js';
export { SubscriptionsModule } from './subscriptions.module.js';
