import {
  isJsonObject,
  isRpcError,
  parseJson,
  type HttpAnswer,
  type JsonObject,
  type JsonValue,
} from '#lib/mcp-protocol';

/**
 * A 404 for a session id ends the session (basic/transports, Session Management). A 404 whose body answers this request
 * shows that the server has read the request; it ends the session only if the error says so. Servers that lost their
 * sessions in a restart often send 400. Without an `id`, the rejected message was not a request but an answer to the
 * server.
 */
export function endsSession(answer: HttpAnswer, id?: number): boolean {
  if (answer.status !== 404) return reportsLostSession(answer, id);
  const body = tryParseJson(answer.body);
  return !isJsonObject(body) || id === undefined || body['id'] !== id || blamesSession(body);
}

/** Returns whether an error that answers no request reports a lost session. */
export function reportsLostSession(answer: HttpAnswer, id?: number): boolean {
  const body = tryParseJson(answer.body);
  if (!isJsonObject(body) || !blamesSession(body)) return false;
  if (answer.status === 404) return body['id'] !== id;
  return answer.status === 400 && (body['id'] ?? null) === null;
}

/** Wordings of known servers: `Session not found`, `No valid session ID provided`, `Server not initialized`. */
const LOST_SESSION_WORDINGS = [
  /\b(no valid|no active|no such|unknown|invalid|missing|expired|terminated)( or \w+)? (mcp[- ])?session\b/i,
  /\bsession\b(?!:\/\/).{0,60}\b(not found|not valid|unknown|invalid|missing|expired|terminated|required|not exist|closed)\b/i,
  /\bnot initialized\b/i,
];

function blamesSession(body: JsonObject): boolean {
  if (!isRpcError(body['error'])) return false;
  const { message } = body['error'];
  return LOST_SESSION_WORDINGS.some((wording) => wording.test(message));
}

function tryParseJson(body: string): JsonValue | undefined {
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}
