export { CatalogConfig } from './catalog.config.js';
export { CatalogModule } from './catalog.module.js';
export { isShownInFull, type Endpoint, type Target } from './endpoint.js';
export { DEFAULT_ENDPOINT, EndpointDirectory } from './endpoint-directory.js';
export { ListCache, type ListPage, type RememberedPage } from './list-cache.js';
export { publicUri, targetOfName, targetOfUri } from './naming.js';
export { kindOf, publishNotification, publishPages, publishResult } from './publisher.js';
