export { JsonCipher } from './json-cipher.js';
export { TextCipher } from './text-cipher.js';
export { StableCipher } from './stable-cipher.js';
export { computeJsonDigest } from './json-digest.js';
export { CipherRing } from './cipher-ring.js';
