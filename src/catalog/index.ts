export { CatalogModule } from './catalog.module.js';
export { isFullyVisible, type Endpoint } from './endpoint.js';
export { DEFAULT_ENDPOINT, EndpointDirectory, type EndpointChange } from './endpoint-directory.js';
export { toPublicName, toPublicUri, resolveName, resolveUri } from './naming.js';
export { toItemKind, publishNotification, publishPages, publishResult } from './publisher.js';
