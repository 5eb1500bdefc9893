export { StreamExpiry } from './stream-expiry.js';
