export type { InputRequired as Asked, CallResult as Ending } from './parkable-call.js';
export type { AnswerEvent, StreamEvent, StreamSink } from './event-log.js';
export { EventArchive, NullEventArchive as NoArchive, type ArchivedEvent, type StreamCall } from './event-archive.js';
export {
  replayOrphanedStream as replayAfterDeath,
  type OrphanedReplay as ReplayAfterDeath,
} from './replay-orphaned-stream.js';
export { Session, type SessionStart } from './session.js';
export { withConnectionLogLevel as atLevelOfAll } from './log-levels.js';
export { ParkedCallLost } from './session-pool.errors.js';
export { ServerHealth, type HealthView } from './server-health.js';
export { ParkedCalls, type ParkedCallView } from './parked-calls.js';
export { NOT_HELD, Placement } from './placement.js';
export { InFlightCounter as OwedAnswers } from './in-flight-counter.js';
export { DeferredPlacement as PlacementSeat } from './deferred-placement.js';
export { readSessionRecord, type SessionRecord } from './session-record.js';
export { SessionPool } from './session-pool.js';
export { SessionPoolConfig } from './session-pool.config.js';
export { SessionPoolModule } from './session-pool.module.js';
export type { SessionView, UpstreamView, ViewPage } from './views.js';
export type { Sharing } from './sharing.js';
export { PlainReply } from './call-replies.js';
export { UpstreamCalls, type UpstreamCall } from './upstream-calls.js';
export { UpstreamPool, type HeldConnection, type HoldOptions, type UpstreamFace } from './upstream-pool.js';
