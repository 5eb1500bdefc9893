import { JSONPathEnvironment } from 'json-p3';
import type { JsonValue } from '#lib/mcp-protocol';

/** Selects a part of a value: the one match of a singular path, or the list of all matches. Undefined: no match. */
export type JsonPath = (value: JsonValue) => JsonValue | undefined;

const MAX_EXPRESSION_LENGTH = 1_000;

const environment = new JSONPathEnvironment();
// A regular expression over text of a server may take exponential time.
for (const name of ['match', 'search']) environment.functionRegister.delete(name);

/** Parses a JSONPath (RFC 9535). Undefined for an invalid expression. */
export function parseJsonPath(expression: string): JsonPath | undefined {
  if (expression.length > MAX_EXPRESSION_LENGTH) return undefined;
  try {
    const query = environment.compile(expression);
    const isSingular = query.singularQuery();
    return (value) => {
      const matches = query.query(value).values() as JsonValue[];
      return isSingular ? matches[0] : matches;
    };
  } catch {
    return undefined;
  }
}
