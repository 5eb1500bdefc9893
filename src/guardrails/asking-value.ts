/**
 * Checks judge what a result with questions for a client contains besides them: the questions themselves are judged one by one, and
 * its state is the server's own.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** Returns the part of a result with questions that is judged with it. Undefined when it has only questions and a state. */
export function toAskingValue(result: JsonObject): JsonObject | undefined {
  const { inputRequests, requestState: _state, ...rest } = result;
  const more = membersBeside(inputRequests);
  const hasMore = Object.keys(more).length > 0;
  if (!hasMore && Object.keys(rest).every((name) => name === 'resultType')) return undefined;
  return { ...rest, ...(hasMore && { inputRequests: more }) };
}

/** Returns the result with the changes of a judged part. */
export function withAskingValue(
  { inputRequests, requestState, resultType }: JsonObject,
  { inputRequests: more, requestState: _state, ...judged }: JsonObject,
): JsonObject {
  return {
    ...judged,
    ...(inputRequests !== undefined && { inputRequests: withMembers(inputRequests, more) }),
    ...(requestState !== undefined && { requestState }),
    ...(resultType !== undefined && { resultType }),
  };
}

/** The members of questions that no question has by the specification, by the key of the question. */
function membersBeside(questions: JsonValue | undefined): JsonObject {
  if (!isJsonObject(questions)) return {};
  const entries = Object.entries(questions).flatMap(([key, question]) => {
    const { method: _method, params: _params, ...more } = isJsonObject(question) ? question : {};
    return Object.keys(more).length > 0 ? [[key, more] as const] : [];
  });
  return Object.fromEntries(entries);
}

function withMembers(questions: JsonValue, judged: JsonValue | undefined): JsonValue {
  if (!isJsonObject(questions)) return questions;
  const entries = Object.entries(questions).map(([key, question]) => {
    if (!isJsonObject(question)) return [key, question] as const;
    const { method, params } = question;
    const more = isJsonObject(judged) ? judged[key] : undefined;
    return [
      key,
      {
        ...(isJsonObject(more) && more),
        ...(method !== undefined && { method }),
        ...(params !== undefined && { params }),
      },
    ] as const;
  });
  return Object.fromEntries(entries) as JsonObject;
}
