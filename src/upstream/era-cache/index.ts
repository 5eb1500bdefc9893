export { EraCache, type KnownEra } from './era-cache.js';
