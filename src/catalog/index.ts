export { CatalogConfig } from './catalog.config.js';
export { CatalogModule } from './catalog.module.js';
export type { Endpoint, ItemKind } from './endpoint.js';
export { DEFAULT_ENDPOINT, EndpointDirectory } from './endpoint-directory.js';
export { ListCache, type ListPage, type RememberedPage } from './list-cache.js';
export { publicUri, targetOfName, targetOfUri, type Target } from './naming.js';
export { kindOf, publishNotification, publishPages, publishResult } from './publisher.js';
