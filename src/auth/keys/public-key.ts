import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/** RFC 7518, 3.3 and 3.5. */
const MIN_RSA_BITS = 2_048;
const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

/** A public key of a key set, imported for verification. */
export interface PublicKey {
  readonly kid: string | undefined;
  readonly key: KeyObject;
  /** The algorithm to which the key set restricts the key. */
  readonly alg: string | undefined;
}

/** Imports a public signature key. Returns an empty list for any other key, above all for symmetric secrets. */
export function readPublicKey(jwk: JsonWebKey): PublicKey[] {
  const { kty, use, key_ops: operations, kid, alg } = jwk;
  const isForSignatures =
    (use === undefined || use === 'sig') && (!Array.isArray(operations) || operations.includes('verify'));
  if ((kty !== 'RSA' && kty !== 'EC') || !isForSignatures) return [];
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return [{ key, kid: toOptionalText(kid), alg: toOptionalText(alg) }];
  } catch {
    // One key that this runtime does not support must not make the other keys of the set unusable.
    return [];
  }
}

/** True when the key may verify signatures of this algorithm. The algorithm of a token never determines the kind of key. */
export function canVerify({ key, alg: requiredAlg }: PublicKey, alg: string): boolean {
  if (requiredAlg !== undefined && requiredAlg !== alg) return false;
  if (key.asymmetricKeyType === 'ec') return CURVES[alg] === key.asymmetricKeyDetails?.namedCurve;
  return /^[RP]S/.test(alg) && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;
}

const toOptionalText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
