import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What all of them begin with, so that people and scanners of source code know one when they see it. */
const PREFIX = 'isthmus_pat_';
const FORM = /^isthmus_pat_([\da-f]{24})_([\w-]{43})$/;
const ID_BYTES = 12;
const SECRET_BYTES = 32;

interface TokenText {
  readonly id: string;
  readonly secret: string;
}

export const isAccessToken = (text: string): boolean => text.startsWith(PREFIX);

export function generateToken(): TokenText & { readonly text: string; readonly digest: string } {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, secret, text: `${PREFIX}${id}_${secret}`, digest: digestOf(secret) };
}

export function parseToken(text: string): TokenText | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** It was drawn, not chosen: one round of a fast hash is enough. */
const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

export function matchesDigest(digest: string, secret: string): boolean {
  const [one, other] = [Buffer.from(digest), Buffer.from(digestOf(secret))];
  return one.length === other.length && timingSafeEqual(one, other);
}
