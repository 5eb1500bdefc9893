export { RestConnection } from './rest-connection.js';
