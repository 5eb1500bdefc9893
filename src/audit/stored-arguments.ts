import { canonicalJson, isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { AuditedCall } from './audit-record.js';

/** Maximum length of the arguments in a record, as JSON, in characters. */
const MAX_LENGTH = 16_384;
const REDACTED = '[redacted]';
/** Names of arguments whose values are credentials, in any spelling. */
const SECRET_NAME =
  /authorization|cookie|passw(?:or)?d|passphrase|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credential|signature/i;
/** Values that are credentials by their form, whatever their name. */
const SECRET_VALUE = /^(?:bearer|basic) \S+$|^eyJ[\w-]+\.[\w-]+\.[\w-]*$/i;

/** The arguments of a call for its record: without credentials, and none at all if they are too long. */
export function toStoredArguments(given: JsonValue): Partial<AuditedCall> {
  const text = canonicalJson(redact(given));
  return text.length > MAX_LENGTH ? { isWithoutArguments: true } : { arguments: JSON.parse(text) as JsonValue };
}

/** Messages have a bounded depth. */
function redact(value: JsonValue): JsonValue {
  if (typeof value === 'string') return SECRET_VALUE.test(value) ? REDACTED : value;
  if (Array.isArray(value)) return value.map(redact);
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, member = null]) => [
    name,
    SECRET_NAME.test(name) ? REDACTED : redact(member),
  ]);
  return Object.fromEntries(members) as JsonValue;
}
