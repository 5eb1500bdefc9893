export { CatalogModule } from './catalog.module.js';
export type { Endpoint, ItemKind } from './endpoint.js';
export { DEFAULT_ENDPOINT, EndpointDirectory } from './endpoint-directory.js';
export { publicUri, targetOfName, targetOfUri, type Target } from './naming.js';
export { publishItems, publishNotification, publishResult } from './publisher.js';
