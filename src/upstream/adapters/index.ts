export { OwnAdapter, toCallContext, type OwnAttempt } from './own-adapter.js';
export { OWN_ADAPTERS, toAdapterTable, UpstreamAdapters } from './upstream-adapters.js';
