export { startOtlpReceiver, type OtlpReceiver } from './otlp-receiver.js';
export type { ReceivedSpan } from './decode-spans.js';
