export { TextCipher as Seal } from './text-cipher.js';
export { CipherRing as SealRing } from './cipher-ring.js';
