export { EraMemory, type KnownEra } from './era-memory.js';
