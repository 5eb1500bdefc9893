export type { AnswerEvent, StreamEvent, StreamSink } from './event-log.js';
export { Session, type SessionStart } from './session.js';
export { SessionPool } from './session-pool.js';
export { SessionPoolConfig } from './session-pool.config.js';
export { SessionPoolModule } from './session-pool.module.js';
export { UpstreamCalls, type UpstreamCall } from './upstream-calls.js';
export { UpstreamPool, type HeldConnection, type UpstreamFace } from './upstream-pool.js';
