export { CallTracer, NoTracer, type RequestSpan } from './call-tracer.js';
export { openTracer } from './open-tracer.js';
export { readTraceParent, traceparentOf, withTraceparent } from './trace-context.js';
