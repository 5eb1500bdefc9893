export { HttpCaller, type RawClientOptions } from './http-caller.js';
export { LegacyRawClient, type LegacyClientOptions } from './legacy-client.js';
export { ModernRawClient } from './modern-client.js';
export { CLIENT_TRANSPORTS, rawClient } from './open-client.js';
export { messagesIn, type RawAnswer } from './raw-answer.js';
export type { ClientTransport, RawClient } from './raw-client.js';
export { RpcRawClient } from './rpc-client.js';
export { SseRawClient } from './sse-client.js';
