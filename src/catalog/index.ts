export { CatalogConfig } from './catalog.config.js';
export { CatalogModule } from './catalog.module.js';
export { isFullyVisible as isShownInFull, type Endpoint, type Target } from './endpoint.js';
export { DEFAULT_ENDPOINT, EndpointDirectory } from './endpoint-directory.js';
export { ListCache, type ListPage, type CachedPage as RememberedPage } from './list-cache.js';
export { toPublicUri as publicUri, resolveName as targetOfName, resolveUri as targetOfUri } from './naming.js';
export { toItemKind as kindOf, publishNotification, publishPages, publishResult } from './publisher.js';
