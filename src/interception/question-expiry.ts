import { Misuse } from './interception.errors.js';

const MAX_EXPIRY_MS = 86_400_000;

/**
 * Returns how long the answer to a question may take, in milliseconds.
 * @throws Misuse for a time that is no positive number
 */
export function readExpiryMs(expiresAfterMs: number | undefined, defaultMs: number): number {
  // An extension may compute it, and nothing checks its types.
  if (expiresAfterMs !== undefined && !(typeof expiresAfterMs === 'number' && expiresAfterMs > 0))
    throw new Misuse('expiresAfterMs of its question is no positive number of milliseconds');
  return Math.min(expiresAfterMs ?? defaultMs, MAX_EXPIRY_MS);
}
