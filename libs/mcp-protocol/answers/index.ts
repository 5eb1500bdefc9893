export { cleanDetail } from './detail.js';
export { outcomeOfFault, type TransportFault } from './outcome-of-fault.js';
export { outcomeOfHttp, type HttpAnswer } from './outcome-of-http.js';
export { outcomeOfMessage } from './outcome-of-message.js';
