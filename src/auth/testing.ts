export type { TokenOptions } from './token-issuer.js';
