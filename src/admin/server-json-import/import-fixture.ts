/** Documents of the specs, and how they are converted. */
import type { JsonObject } from '#lib/mcp-protocol';
import { importServerJson } from './import-server-json.js';
import type { ImportRules } from './options.js';
import { ServerJsonInvalid } from './server-json-invalid.js';

export const RULES: ImportRules = {
  findUrlFault: (url) => (url.includes('internal') ? 'names an inner address' : undefined),
  mayStartPrograms: true,
};
export const STDIO = { transport: { type: 'stdio' } };

type Values = Readonly<Record<string, string | readonly string[]>>;

export const documentOf = (members: JsonObject): JsonObject => ({
  $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
  name: 'com.example/Weather_Station',
  description: 'Weather of all stations',
  title: 'Weather',
  version: '1.2.0',
  ...members,
});

export const convert = (document: JsonObject | string, values: Values = {}, choice?: string, rules = RULES) =>
  importServerJson(
    {
      document,
      inputs: new Map(Object.entries(values).map(([input, value]) => [input, [value].flat()])),
      ...(choice !== undefined && { choice }),
    },
    rules,
  );

export const convertPackage = (source: JsonObject, values: Values = {}) =>
  convert(documentOf({ packages: [{ ...STDIO, version: '1.2.0', ...source }] }), values);

export const convertRemote = (remote: JsonObject, values: Values = {}) =>
  convert(documentOf({ remotes: [{ type: 'streamable-http', ...remote }] }), values);

export function faultsOf(act: () => unknown): unknown {
  try {
    act();
  } catch (cause) {
    if (cause instanceof ServerJsonInvalid) return (cause.getResponse() as JsonObject)['message'];
    throw cause;
  }
  return 'no fault';
}
