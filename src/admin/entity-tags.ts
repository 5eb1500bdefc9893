import { HttpException } from '@nestjs/common';
import { trimOptionalWhitespace } from '#lib/mcp-protocol';

const PRECONDITION_REQUIRED = 428;
const PRECONDITION_FAILED = 412;

/** A number, or a digest of what the version contains. */
export type Version = number | string;

/** Returns the entity tag of a version (RFC 9110, 8.8.3). */
export const entityTag = (version: Version): string => `"${version}"`;

/** `If-Match` that any version of an existing entry matches (RFC 9110, 13.1.1). */
export const ANY_VERSION = '*';

/**
 * Requires that a change names the version it was made for (RFC 6585, 3).
 * @throws HttpException 428 without `If-Match`
 */
export function requireIfMatch(ifMatch: string | undefined): string {
  if (ifMatch !== undefined) return ifMatch;
  const message =
    'The header If-Match is missing. Send it with the ETag that you have read, or with * for any version.';
  throw new HttpException(message, PRECONDITION_REQUIRED);
}

/** @throws HttpException 412 when `If-Match` names other versions only (RFC 9110, 13.1.1) */
export function requireMatch(ifMatch: string, version: Version): void {
  if (matches(ifMatch, version)) return;
  throw new HttpException('The entry has changed. Read it again, then repeat the change.', PRECONDITION_FAILED);
}

/** True when the client already has this version (RFC 9110, 13.1.2). */
export function isUnmodified(ifNoneMatch: string | undefined, version: Version): boolean {
  return ifNoneMatch !== undefined && matches(ifNoneMatch.replaceAll('W/', ''), version);
}

export const isAnyVersion = (ifMatch: string): boolean => toTags(ifMatch).has(ANY_VERSION);

function matches(header: string, version: Version): boolean {
  const tags = toTags(header);
  return tags.has(ANY_VERSION) || tags.has(entityTag(version));
}

const toTags = (header: string): ReadonlySet<string> => new Set(header.split(',').map(trimOptionalWhitespace));
