export { markGatewayError, toServerContent, toServerError } from './gateway-claims.js';
export { cleanDetail, hideSecrets } from './detail.js';
export type { HttpAnswer } from './http-answer.js';
export { readRefusal } from './http-refusal.js';
export { toFaultOutcome, type TransportFault } from './fault-outcome.js';
export { toHttpOutcome } from './http-outcome.js';
export { toMessageOutcome } from './message-outcome.js';
