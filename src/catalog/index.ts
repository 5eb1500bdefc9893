export { CatalogModule } from './catalog.module.js';
export { isUnrestricted, passesUnknownMethods, type Endpoint, type Target } from './endpoint.js';
export { DEFAULT_ENDPOINT, EndpointDirectory, type EndpointChange } from './endpoint-directory.js';
export { addNamePrefix, isChangedAt, toPublicName, resolveName, resolveUri } from './naming.js';
export { CatalogConfig } from './catalog.config.js';
export { toItemKind, publishItems, publishNotification, publishPages, publishResult } from './publisher.js';
