export { CatalogConfig } from './catalog.config.js';
export { CatalogModule } from './catalog.module.js';
export { isFullyVisible, type Endpoint, type Target } from './endpoint.js';
export { DEFAULT_ENDPOINT, EndpointDirectory } from './endpoint-directory.js';
export { ListCache, type ListPage, type CachedPage } from './list-cache.js';
export { toPublicUri, resolveName, resolveUri } from './naming.js';
export { toItemKind, publishNotification, publishPages, publishResult } from './publisher.js';
