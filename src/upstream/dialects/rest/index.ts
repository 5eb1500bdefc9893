export type { RestChannels } from './destinations.js';
export { RestConnection } from './rest-connection.js';
