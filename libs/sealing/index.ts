export { TextCipher } from './text-cipher.js';
export { CipherRing } from './cipher-ring.js';
