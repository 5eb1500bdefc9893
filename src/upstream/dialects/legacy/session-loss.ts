import { isJsonObject, isRpcError, parseJson, type HttpAnswer, type JsonValue, type RpcError } from '#lib/mcp-protocol';

/**
 * Returns whether an answer shows that the server refused a message because it does not know the session (any more), so that
 * it did not execute the message. Servers answer 404 (basic/transports, Session Management), but also other statuses and
 * texts. An error that answers the request shows that the server has read it: then the text must be one that only the
 * check of the session writes. Without an `id`, the refused message was not a request but an answer to the server.
 */
export function endsSession({ status, body: text }: HttpAnswer, id?: number): boolean {
  if (status < 300) return reportsLostSession(tryParseJson(text));
  const body = tryParseJson(text);
  const answered = isJsonObject(body) ? body['id'] : undefined;
  const said = (body === undefined ? text : (toErrorText(body) ?? '')).slice(0, MAX_TEXT_LENGTH);
  const answersRequest = id !== undefined && answered === id;
  if (status === 404 && !answersRequest) return true;
  // An error with the id of another request concerns that request.
  if (typeof answered === 'number' && !answersRequest) return false;
  const wordings = answersRequest ? REFUSALS : status >= 500 ? SESSION_WORDINGS : LOST_SESSION_WORDINGS;
  return wordings.some((wording) => wording.test(said));
}

/**
 * Returns whether a message with a status of success reports a lost session. A tool may have sessions of its own and report
 * them missing, so that only the literal errors of known servers count.
 */
export function reportsLostSession(message: JsonValue | undefined): boolean {
  if (!isJsonObject(message) || message['result'] !== undefined) return false;
  const { error } = message;
  if (isRpcError(error)) return isLostSessionError(error);
  return typeof error === 'string' && message['id'] === undefined && LITERAL_ERROR.test(error);
}

/** Returns whether an error of a server is the literal error of known servers for a lost session. */
export const isLostSessionError = ({ code, message }: RpcError): boolean =>
  LITERAL_CODES.has(code) && LITERAL_ERROR.test(message);

/** No wording is longer, and an HTML page is not searched whole. */
const MAX_TEXT_LENGTH = 1_000;

const LITERAL_CODES: ReadonlySet<number> = new Set([-32_000, -32_001, -32_002, -32_600]);
const LITERAL_ERROR =
  /^(?:bad request: |not found: )?(?:session not found|session (?:has been )?terminated|no valid session id(?: provided)?|mcp-session-id header is required|unknown mcp-session-id header|server not initialized)\.?$/i;

/** What servers write when they check the header, before they read the message. */
const SESSION_WORDINGS = [
  /\b(?:no valid|not valid|invalid|unknown|missing|expired)(?: or \w+)? (?:mcp[- ])?session[- ]?id\b/i,
  /\bmcp[- ]session\b.{0,60}\b(?:not found|not valid|unknown|invalid|missing|expired|terminated|required|not exist)\b/i,
  /\b(?:could not find|no transport(?: found)? for) session(?:[- ]?id)?\b/i,
  /^(?:[a-z ]{1,20}: )?session (?:\S{1,100} )?(?:not found|(?:has been )?terminated)\b/i,
  /\bserver (?:is )?not (?:yet )?initialized\b/i,
  /\bexpect(?:ed|s|ing)? (?:an )?initialize\b/i,
];

/** The same in an error that answers the request: a tool's own argument may be an invalid session id too. */
const REFUSALS = [
  /^(?:bad request: |not found: |unauthorized: )?(?:no valid|unknown|invalid or \w+) (?:mcp[- ])?session[- ]?id\b/i,
  /\bmcp[- ]session[- ]id\b.{0,60}\b(?:not found|not valid|unknown|invalid|missing|expired|terminated|required)\b/i,
  /^(?:bad request: |not found: |unauthorized: )?session (?:not found|(?:has been )?terminated)\b/i,
  /\bserver (?:is )?not (?:yet )?initialized\b/i,
];

/** Enough where no request was answered. */
const LOST_SESSION_WORDINGS = [
  ...SESSION_WORDINGS,
  /\b(?:no valid|no active|no such|unknown|invalid|missing|expired|terminated)(?: or \w+)? (?:mcp[- ])?session\b/i,
  /\bsession\b(?!:\/\/).{0,60}\b(?:not found|not valid|unknown|invalid|missing|expired|terminated|required|not exist|closed)\b/i,
  /\bnot initialized\b/i,
];

/** The text of a JSON error, in the forms that frameworks use. */
function toErrorText(body: JsonValue): string | undefined {
  if (typeof body === 'string') return body;
  if (!isJsonObject(body)) return undefined;
  const { error, message, detail } = body;
  const inner = isJsonObject(error) ? error['message'] : error;
  return [inner, message, detail].find((text) => typeof text === 'string');
}

function tryParseJson(body: string): JsonValue | undefined {
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}
