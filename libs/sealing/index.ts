export { Seal } from './seal.js';
export { SealRing } from './seal-ring.js';
