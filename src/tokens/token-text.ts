import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Common prefix by which people and secret scanners recognize a personal access token. */
const PREFIX = 'isthmus_pat_';
const FORM = /^isthmus_pat_([\da-f]{24})_([\w-]{43})$/;
const ID_BYTES = 12;
const SECRET_BYTES = 32;

export interface TokenText {
  readonly id: string;
  readonly secret: string;
}

export const isAccessToken = (text: string): boolean => text.startsWith(PREFIX);

export function generateToken(): TokenText & { readonly text: string; readonly digest: string } {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, secret, text: `${PREFIX}${id}_${secret}`, digest: toDigest(secret) };
}

export function parseToken(text: string): TokenText | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** The secret is random, not chosen by a person, so one round of a fast hash suffices. */
const toDigest = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

export function matchesDigest(digest: string, secret: string): boolean {
  const [expected, actual] = [Buffer.from(digest), Buffer.from(toDigest(secret))];
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
