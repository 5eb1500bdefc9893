export { recordOf } from './call-record-fixture.js';
export { NoTracer } from './tracing/index.js';
