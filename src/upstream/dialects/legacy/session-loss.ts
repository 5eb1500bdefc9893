import { isJsonObject, isRpcError, parseJson, RpcCode, type HttpAnswer, type JsonValue } from '#lib/mcp-protocol';

/**
 * A 404 on a session id ends the session (basic/transports, Session Management), unless it is the answer to this very
 * request by a server that does not know the method. Servers that lost their sessions in a restart often say 400.
 */
export function endsSession(answer: HttpAnswer, id: number): boolean {
  if (answer.status !== 404) return speaksOfLostSession(answer, id);
  const body = parsed(answer.body);
  if (!isJsonObject(body) || body['id'] !== id) return true;
  return !isRpcError(body['error']) || body['error'].code !== RpcCode.methodNotFound;
}

/** A refusal that answers no request and blames the session. */
export function speaksOfLostSession(answer: HttpAnswer, id: number): boolean {
  if (answer.status !== 404 && answer.status !== 400) return false;
  const body = parsed(answer.body);
  if (!isJsonObject(body) || body['id'] === id || !isRpcError(body['error'])) return false;
  return /session|not initialized/i.test(body['error'].message);
}

function parsed(body: string): JsonValue | undefined {
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}
