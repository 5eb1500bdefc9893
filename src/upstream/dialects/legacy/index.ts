export type { ConnectionOptions } from './connection-options.js';
export { initializeParams } from './handshake.js';
export { LegacySubscriptions } from './legacy-subscriptions.js';
export { adoptOverHttp, NOT_STREAMABLE, openOverHttp } from './open-over-http.js';
export { openOverPipe } from './open-over-pipe.js';
export { openOverSse } from './open-over-sse.js';
