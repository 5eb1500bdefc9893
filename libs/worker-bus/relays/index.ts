export { MemoryRelay } from './memory-relay.js';
