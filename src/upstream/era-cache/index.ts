export { EraCache as EraMemory, type KnownEra } from './era-cache.js';
