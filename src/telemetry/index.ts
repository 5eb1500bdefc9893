export { CallProgress, whileServerWorks, type ProgressReport } from './call-progress.js';
export { CallRecordSink, type CallRecord, type CallTransport } from './call-record.js';
export { CallRecorder } from './call-recorder.js';
export { toSafeUri } from './safe-text.js';
export { TelemetryModule } from './telemetry.module.js';
export { CallTracer, withTraceparent } from './tracing/index.js';
export type { CallAnswer, TrackedCall } from './tracked-call.js';
