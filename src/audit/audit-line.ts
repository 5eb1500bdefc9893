import type { AuditEvent } from './audit-record.js';

/** Maximum length of a log line, in characters, because it may quote the request. */
const MAX_LINE_LENGTH = 1_000;

/** Describes a record as one line. */
export function toLogLine(record: AuditEvent): string {
  const { method, path, outcome, status, reason, count } = record;
  const end = outcome === 'done' ? outcome : `${outcome}, ${status}: ${reason ?? ''}`;
  const repeated = count === undefined ? '' : ` (${count} more)`;
  return toSingleLine(`${toCallerText(record)}: ${method} ${path}: ${end}${repeated}`);
}

function toCallerText({ issuer, subject, roles, token, address }: AuditEvent): string {
  const known = issuer === '' ? subject : `${subject} of ${issuer} (${roles.join(', ')})`;
  const caller = subject === '' ? 'Unauthenticated' : known;
  return [caller, ...(token === undefined ? [] : [`token ${token}`]), ...(address === undefined ? [] : [address])].join(
    ', ',
  );
}

/** Replaces line breaks and control characters, so that a request cannot forge log lines. */
const toSingleLine = (text: string): string =>
  text.slice(0, MAX_LINE_LENGTH).replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
