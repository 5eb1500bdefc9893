export { cleanDetail } from './detail.js';
export type { HttpAnswer } from './http-answer.js';
export { readRefusal } from './http-refusal.js';
export { outcomeOfFault, type TransportFault } from './outcome-of-fault.js';
export { outcomeOfHttp } from './outcome-of-http.js';
export { outcomeOfMessage } from './outcome-of-message.js';
