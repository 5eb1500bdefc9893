export { sessionLost } from './upstream.errors.js';
