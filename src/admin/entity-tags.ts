import { HttpException } from '@nestjs/common';

const NO_PRECONDITION = 428;
const NOT_AS_EXPECTED = 412;

/** The entity tag of a version of something (RFC 9110, 8.8.3). */
export const entityTag = (version: number): string => `"${version}"`;

/**
 * Demands that whoever changes something names the version that the change is made for (RFC 9110, 13.1.1; RFC 6585, 3).
 * @throws HttpException 428 without `If-Match`, 412 for another version
 */
export function requireMatch(ifMatch: string | undefined, version: number): void {
  if (ifMatch === undefined) {
    throw new HttpException('Send If-Match with the ETag of what you have read, or with * for any.', NO_PRECONDITION);
  }
  if (names(ifMatch, version)) return;
  throw new HttpException('It was changed meanwhile. Read it again, then change it.', NOT_AS_EXPECTED);
}

/** True when whoever asks has this version already (RFC 9110, 13.1.2). */
export function isUnmodified(ifNoneMatch: string | undefined, version: number): boolean {
  return ifNoneMatch !== undefined && names(ifNoneMatch.replaceAll('W/', ''), version);
}

function names(header: string, version: number): boolean {
  const tags = new Set(header.split(',').map((tag) => tag.trim()));
  return tags.has('*') || tags.has(entityTag(version));
}
