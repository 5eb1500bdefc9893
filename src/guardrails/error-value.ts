/**
 * Checks judge the errors of servers in the form of results: a failed result of a tool, which has no structured content to validate.
 */
import { isJsonObject, type JsonObject, type JsonValue, type RpcError } from '#lib/mcp-protocol';
import { STATE_OF_CALL } from '../interception/index.js';

/** The message of an error of which a check has left no text. */
const NO_MESSAGE = 'The server answered with an error.';

/** Returns the texts of an error as a result: its message as text, its `data` as the member `data` of the structured content. */
export const toErrorValue = ({ message, data }: RpcError): JsonObject => ({
  content: [{ type: 'text', text: message }],
  ...(data !== undefined && { structuredContent: { data } }),
  isError: true,
});

/** Returns the error with the texts of a changed value. Its code, and what it states about the call, stay. */
export function withErrorValue({ code, data: given }: RpcError, { content, structuredContent }: JsonObject): RpcError {
  const message = textsOf(content).join('\n') || NO_MESSAGE;
  const data = withOutcome(isJsonObject(structuredContent) ? structuredContent['data'] : undefined, given);
  return data === undefined ? { code, message } : { code, message, data };
}

function textsOf(content: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(content)) return [];
  return content.flatMap((block) => (isJsonObject(block) && typeof block['text'] === 'string' ? [block['text']] : []));
}

function withOutcome(changed: JsonValue | undefined, given: JsonValue | undefined): JsonValue | undefined {
  const outcome = isJsonObject(given) ? given['outcome'] : undefined;
  if (typeof outcome !== 'string' || !Object.hasOwn(STATE_OF_CALL, outcome)) return changed;
  return { ...(isJsonObject(changed) && changed), outcome };
}
