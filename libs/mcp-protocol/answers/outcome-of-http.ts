import { GatewayCode } from '../error-codes.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { RequestId } from '../json-rpc.js';
import type { Outcome } from '../neutral.js';
import { JsonFault, parseJson } from '../parse-json.js';
import { isRpcError } from '../read-message.js';
import { cleanDetail } from './detail.js';
import { onlyMembersOf, outcomeOfMessage } from './outcome-of-message.js';
import { brokenProtocol, ownFailure } from './own-failure.js';

/** A complete HTTP answer whose body is no event stream. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText?: string;
  readonly contentType?: string;
  readonly wwwAuthenticate?: string;
  readonly retryAfter?: string;
  readonly body: string;
}

/** Decides what an HTTP answer means to the request with this id (docs/errors.md, one row per case). */
export function outcomeOfHttp(answer: HttpAnswer, id: RequestId): Outcome {
  const { status, body } = answer;
  if (status < 200 || status > 299) return refusal(answer);
  if (body === '') return brokenProtocol('the answer is empty');
  const value = parsed(body);
  if (value instanceof JsonFault) return brokenProtocol(`the answer cannot be read (${value.message.slice(0, -1)})`);
  return outcomeOfMessage(value, id);
}

function parsed(body: string): JsonValue | JsonFault {
  try {
    return parseJson(body);
  } catch (error) {
    if (error instanceof JsonFault) return error;
    throw error;
  }
}

function refusal(answer: HttpAnswer): Outcome {
  const value = parsed(answer.body);
  if (value instanceof JsonFault) return told(answer, answer.body);
  if (isJsonObject(value) && isRpcError(value['error'])) {
    return { kind: 'error', error: onlyMembersOf(value['error']) };
  }
  return told(answer, isJsonObject(value) ? detailIn(value) : answer.body);
}

function told(answer: HttpAnswer, text: string): Outcome {
  const detail = cleanDetail(text) || phraseOf(answer);
  const message = `Upstream answered HTTP ${answer.status}${detail === '' ? '' : `: ${detail}`}`;
  return ownFailure(GatewayCode.upstreamFailed, message, circumstances(answer));
}

/** Where frameworks and OAuth put the reason. A string `error` is theirs; only an object is JSON-RPC's. */
const DETAIL_MEMBERS = ['detail', 'message', 'error_description', 'error', 'title'] as const;

function detailIn(value: JsonObject): string {
  for (const member of DETAIL_MEMBERS) {
    const text = value[member];
    if (typeof text === 'string' && text !== '') return text;
  }
  return '';
}

const PHRASES: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

function phraseOf({ status, statusText }: HttpAnswer): string {
  return cleanDetail(statusText ?? '') || (PHRASES[status] ?? '');
}

/** Statuses by which a server says that it did not take the call. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404, 405, 406, 413, 415, 429]);

const LONGEST_CHALLENGE = 500;

function circumstances(answer: HttpAnswer) {
  const { status, wwwAuthenticate, retryAfter } = answer;
  const unavailable = status === 503 && retryAfter !== undefined;
  const outcome = REFUSALS.has(status) || unavailable ? 'not_executed' : 'unknown';
  const retryAfterMs = status === 429 || status === 503 ? delayOf(retryAfter) : undefined;
  return {
    outcome,
    retriable: status === 429 || unavailable,
    httpStatus: status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status === 401 &&
      wwwAuthenticate !== undefined && { wwwAuthenticate: cleanDetail(wwwAuthenticate, LONGEST_CHALLENGE) }),
  } as const;
}

const HTTP_DATE = /^[a-z]{3,9},? /i;
const LONGEST_DELAY_MS = 24 * 60 * 60 * 1000;

/** Retry-After as milliseconds from now: seconds or a date (RFC 9110, 10.2.3). Undefined when it is neither. */
function delayOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  const text = retryAfter.trim();
  const delayMs = /^\d+$/.test(text) ? Number(text) * 1000 : HTTP_DATE.test(text) ? Date.parse(text) - Date.now() : NaN;
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS);
}
