import { HttpException } from '@nestjs/common';
import { trimOptionalWhitespace } from '#lib/mcp-protocol';

const PRECONDITION_REQUIRED = 428;
const PRECONDITION_FAILED = 412;

/** Returns the entity tag of a version (RFC 9110, 8.8.3). */
export const entityTag = (version: number): string => `"${version}"`;

/**
 * Requires that a change names the version it was made for (RFC 9110, 13.1.1; RFC 6585, 3).
 * @throws HttpException 428 without `If-Match`, 412 for another version
 */
export function requireMatch(ifMatch: string | undefined, version: number): void {
  if (ifMatch === undefined) {
    const message =
      'The header If-Match is missing. Send it with the ETag that you have read, or with * for any version.';
    throw new HttpException(message, PRECONDITION_REQUIRED);
  }
  if (matches(ifMatch, version)) return;
  throw new HttpException('The entry has changed. Read it again, then repeat the change.', PRECONDITION_FAILED);
}

/** True when the client already has this version (RFC 9110, 13.1.2). */
export function isUnmodified(ifNoneMatch: string | undefined, version: number): boolean {
  return ifNoneMatch !== undefined && matches(ifNoneMatch.replaceAll('W/', ''), version);
}

function matches(header: string, version: number): boolean {
  const tags = new Set(header.split(',').map(trimOptionalWhitespace));
  return tags.has('*') || tags.has(entityTag(version));
}
