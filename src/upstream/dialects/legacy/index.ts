export { NOT_STREAMABLE, openOverHttp, type LegacyOpening } from './open-over-http.js';
export { openOverSse } from './open-over-sse.js';
