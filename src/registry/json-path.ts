import { JSONPathEnvironment } from 'json-p3';
import type { JsonValue } from '#lib/mcp-protocol';

/** Picks a part of a value: the only one there can be, or a list of all. Undefined: there is none. */
export type JsonPath = (value: JsonValue) => JsonValue | undefined;

const LONGEST = 1_000;

const environment = new JSONPathEnvironment();
// Regular expressions over texts of a server's may take for ever.
for (const name of ['match', 'search']) environment.functionRegister.delete(name);

/** Reads a JSONPath (RFC 9535). Undefined when it is none. */
export function parseJsonPath(expression: string): JsonPath | undefined {
  if (expression.length > LONGEST) return undefined;
  try {
    const query = environment.compile(expression);
    const isSingular = query.singularQuery();
    return (value) => {
      const found = query.query(value).values() as JsonValue[];
      return isSingular ? found[0] : found;
    };
  } catch {
    return undefined;
  }
}
