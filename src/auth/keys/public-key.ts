import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/** RFC 7518, 3.3 and 3.5. */
const LEAST_RSA_BITS = 2_048;
const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

/** A key of a key set, ready to verify with. */
export interface PublicKey {
  readonly kid: string | undefined;
  readonly key: KeyObject;
  /** The algorithm that the set binds the key to. */
  readonly alg: string | undefined;
}

/** Reads a key that is meant for signatures; what is anything else is left out, secrets above all. */
export function readPublicKey(jwk: JsonWebKey): PublicKey[] {
  const { kty, use, key_ops: operations, kid, alg } = jwk;
  const isForSignatures =
    (use === undefined || use === 'sig') && (!Array.isArray(operations) || operations.includes('verify'));
  if ((kty !== 'RSA' && kty !== 'EC') || !isForSignatures) return [];
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return [{ key, kid: textOrNothing(kid), alg: textOrNothing(alg) }];
  } catch {
    // A key of a kind that this runtime does not know must not spoil the others.
    return [];
  }
}

/** Whether a signature by this algorithm may be verified with this key: the algorithm never chooses the kind of key. */
export function canVerify({ key, alg: boundTo }: PublicKey, alg: string): boolean {
  if (boundTo !== undefined && boundTo !== alg) return false;
  if (key.asymmetricKeyType === 'ec') return CURVES[alg] === key.asymmetricKeyDetails?.namedCurve;
  return /^[RP]S/.test(alg) && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= LEAST_RSA_BITS;
}

const textOrNothing = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
