export { ANONYMOUS, type Caller, type Principal } from './caller.js';
export { GatewayError, type GatewayErrorData } from './gateway-error.js';
