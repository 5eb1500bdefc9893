export { HostCheck } from './host-check.js';
export { createHttpAdapter } from './http-options.js';
export { closeUnlessReceived } from './lingering-close.js';
