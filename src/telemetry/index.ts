export { CallProgress, isExecutionOutcome, whileServerWorks, type ProgressReport } from './call-progress.js';
export { TelemetrySink, type CallOrigin } from './telemetry-sink.js';
export { CallRecorder } from './call-recorder.js';
export { fingerprintOf } from './session-fingerprints.js';
export { toSafeUri } from './safe-text.js';
export { TelemetryModule } from './telemetry.module.js';
export { CallTracer, traceparentOf, withTraceparent } from './tracing/index.js';
export type { CallAnswer, TrackedCall } from './tracked-call.js';
export { TelemetryConfig } from './telemetry.config.js';
