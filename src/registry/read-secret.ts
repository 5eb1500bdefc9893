import type { JsonValue } from '#lib/mcp-protocol';
import { SecretEntry } from './entries.js';
import { readEntry, withoutUndefined } from './read-entry.js';
import type { Fault } from './registry.errors.js';
import type { SecretDefinition } from './secret-definition.js';

/** Reads one entry of `secrets`. Undefined when it is invalid. */
export function readSecret(slug: string, value: JsonValue, faults: Fault[]): SecretDefinition | undefined {
  const entry = readEntry(SecretEntry, value, `secrets.${slug}`, faults);
  if (entry === undefined) return undefined;
  const { title, origins = [] } = entry;
  return { slug, value: entry.value, origins, ...withoutUndefined({ title }) };
}
