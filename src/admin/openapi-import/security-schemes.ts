import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { asText } from './as-text.js';
import type { ReferenceResolver } from './reference-resolver.js';

/** A security scheme of the API, with what an admin configures for it. */
export interface SecurityScheme {
  readonly name: string;
  readonly type: string;
  /** Place and name of an API key. */
  readonly in?: string;
  readonly parameter?: string;
  readonly configure: string;
}

/** Returns the security schemes of a document by name. */
export function readSecuritySchemes(
  document: JsonObject,
  references: ReferenceResolver,
): ReadonlyMap<string, SecurityScheme> {
  const { components, securityDefinitions } = document;
  const schemes = securityDefinitions ?? (isJsonObject(components) ? components['securitySchemes'] : undefined);
  return new Map(
    Object.entries(isJsonObject(schemes) ? schemes : {}).flatMap(([name, given]) => {
      const scheme = tryDereference(given, references);
      return scheme === undefined ? [] : [[name, toScheme(name, scheme)] as const];
    }),
  );
}

function tryDereference(value: JsonValue | undefined, references: ReferenceResolver): JsonObject | undefined {
  try {
    return references.dereference(value);
  } catch {
    return undefined;
  }
}

/** Returns the names of the schemes that an operation requires. */
export function requiredSchemes(operation: JsonObject, document: JsonObject): readonly string[] {
  const security = operation['security'] ?? document['security'];
  return Array.isArray(security) ? security.flatMap((each) => (isJsonObject(each) ? Object.keys(each) : [])) : [];
}

function toScheme(name: string, scheme: JsonObject): SecurityScheme {
  const { type: given, in: place, name: parameter } = scheme;
  const type = typeof given === 'string' ? given : 'unknown';
  const isKey = type === 'apiKey' && typeof place === 'string' && typeof parameter === 'string';
  return { name, type, ...(isKey && { in: place, parameter }), configure: describe(type, scheme) };
}

function describe(type: string, { in: place, name, scheme, flows, flow }: JsonObject): string {
  const kind = typeof scheme === 'string' ? scheme.toLowerCase() : '';
  if (type === 'apiKey' && place === 'query') return `Add ?${asText(name, 'key')}=<key> to url of the entry.`;
  if (type === 'apiKey' && place === 'cookie')
    return `Add "Cookie: ${asText(name, 'key')}=<key>" to headers of the entry.`;
  if (type === 'apiKey') return `Add "${asText(name, 'key')}: <key>" to headers of the entry.`;
  if (type === 'basic' || kind === 'basic') {
    return 'Add "Authorization: Basic <user:password in base64>" to headers of the entry.';
  }
  if (type === 'http')
    return `Add "Authorization: ${kind === 'bearer' ? 'Bearer' : asText(scheme)} <token>" to headers of the entry.`;
  if (type === 'mutualTLS') return 'Client certificates are not supported.';
  const names = isJsonObject(flows) ? Object.keys(flows).join(', ') : asText(flow);
  const how = names === '' ? '' : ` (${names})`;
  return `Obtain a token${how} and add "Authorization: Bearer <token>" to headers of the entry.`;
}
