import { GatewayCode } from '../error-codes.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { RequestId } from '../json-rpc.js';
import type { Outcome } from '../neutral.js';
import { parseJson } from '../parse-json.js';
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
  return value === undefined ? brokenProtocol('the answer is not JSON') : outcomeOfMessage(value, id);
}

function parsed(body: string): JsonValue | undefined {
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}

function refusal(answer: HttpAnswer): Outcome {
  const value = parsed(answer.body);
  if (isJsonObject(value) && isRpcError(value['error'])) {
    return { kind: 'error', error: onlyMembersOf(value['error']) };
  }
  const detail = cleanDetail(isJsonObject(value) ? detailIn(value) : answer.body) || phraseOf(answer);
  const message = `Upstream answered HTTP ${answer.status}${detail === '' ? '' : `: ${detail}`}`;
  return ownFailure(GatewayCode.upstreamFailed, message, toldBy(answer));
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

function toldBy(answer: HttpAnswer) {
  const { status, wwwAuthenticate, retryAfter } = answer;
  const unavailable = status === 503 && retryAfter !== undefined;
  const outcome = REFUSALS.has(status) || unavailable ? 'not_executed' : 'unknown';
  const retryAfterMs = status === 429 || status === 503 ? delayOf(retryAfter) : undefined;
  return {
    outcome,
    retriable: status === 429 || unavailable,
    httpStatus: status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status === 401 && wwwAuthenticate !== undefined && { wwwAuthenticate: cleanDetail(wwwAuthenticate) }),
  } as const;
}

const LONGEST_DELAY_MS = 24 * 60 * 60 * 1000;

/** Retry-After as milliseconds from now: seconds or a date (RFC 9110, 10.2.3). Undefined when it is neither. */
function delayOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  const text = retryAfter.trim();
  const delayMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS);
}
