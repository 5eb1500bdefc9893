import { createHash } from 'node:crypto';

/** The names that clients and models accept. */
const PORTABLE = /^[a-zA-Z0-9_-]{1,64}$/;
const MAX_LENGTH = 64;
const OTHER_CHARACTER = /[^a-zA-Z0-9_-]/gu;

const DIGEST_LENGTH = 6;
const CHECK_LENGTH = 2;
const SUFFIX = /^(.+)_([a-z2-7]{6})([a-z2-7]{2})$/;

/**
 * Returns a name that every client accepts: the same name if it is one. Otherwise other characters become `_`, and a digest of
 * the name follows, so that it depends on nothing else: the items that a server adds or removes change no name.
 *
 * @param prefix precedes the name; short, and itself portable
 */
export function toPortableName(prefix: string, name: string): string {
  const whole = prefix + name;
  if (PORTABLE.test(whole)) return whole;
  const head = whole.replace(OTHER_CHARACTER, '_').slice(0, MAX_LENGTH - DIGEST_LENGTH - CHECK_LENGTH - 1);
  const digest = digestOf(name, DIGEST_LENGTH);
  return `${head}_${digest}${digestOf(`${head}_${digest}`, CHECK_LENGTH)}`;
}

/** True for each name that `toPortableName` has changed, and for one of 1,024 others that end like it. */
export function isChangedName(name: string): boolean {
  if (name.length > MAX_LENGTH) return false;
  const [, head, digest, check] = SUFFIX.exec(name) ?? [];
  return check !== undefined && digestOf(`${head}_${digest}`, CHECK_LENGTH) === check;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

function digestOf(text: string, length: number): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, length);
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
