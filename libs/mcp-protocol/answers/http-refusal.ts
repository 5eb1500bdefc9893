import type { ExecutionOutcome } from '../error-codes.js';
import { trimOptionalWhitespace } from '../headers/optional-whitespace.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { JsonFault } from '../parse-json.js';
import { cleanDetail } from './detail.js';
import { parseBody, type HttpAnswer } from './http-answer.js';

/** An HTTP answer without success status. Texts of the server are cleaned: one line, no secrets, no addresses. */
export interface HttpRefusal {
  /** `Upstream answered HTTP 401: Unauthorized request`. */
  readonly message: string;
  /** Reason given by the server, or the phrase of the status. Absent if there is neither. */
  readonly detail?: string;
  /** The `data` of the error. */
  readonly circumstances: {
    readonly outcome: ExecutionOutcome;
    readonly retriable: boolean;
    readonly httpStatus: number;
    readonly retryAfterMs?: number;
    readonly wwwAuthenticate?: string;
  };
}

/**
 * Reads the refusal of a server that speaks plain HTTP (docs/errors.md). If no member of the body is a text, the
 * message of a nested `error` is the reason: many APIs put it there.
 */
export function readRefusal(answer: HttpAnswer): HttpRefusal {
  const value = parseBody(answer.body);
  if (value instanceof JsonFault || !isJsonObject(value)) return toRefusal(answer, answer.body);
  const { error } = value;
  const nested = isJsonObject(error) && typeof error['message'] === 'string' ? error['message'] : '';
  return toRefusal(answer, readDetail(value) || nested);
}

/** Creates a refusal whose reason is this text. */
export function toRefusal(answer: HttpAnswer, text: string): HttpRefusal {
  const detail = cleanDetail(text) || readPhrase(answer);
  const message = `Upstream answered HTTP ${answer.status}`;
  const circumstances = toCircumstances(answer);
  return detail === '' ? { message, circumstances } : { message: `${message}: ${detail}`, detail, circumstances };
}

/** Members in which frameworks and OAuth put the reason. A string `error` is one; an object is an error of JSON-RPC. */
const DETAIL_MEMBERS = ['detail', 'message', 'error_description', 'error', 'title'] as const;

/** Returns the first non-empty text among the members for reasons, or an empty text. */
export function readDetail(value: JsonObject): string {
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
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

function readPhrase({ status, statusText }: HttpAnswer): string {
  return cleanDetail(statusText ?? '') || (PHRASES[status] ?? '');
}

/** Statuses by which a server reports that it did not execute the call. */
const NOT_EXECUTED_STATUSES: ReadonlySet<number> = new Set([401, 403, 404, 405, 406, 413, 414, 415, 429, 431]);

const MAX_CHALLENGE_LENGTH = 500;

function toCircumstances(answer: HttpAnswer): HttpRefusal['circumstances'] {
  const { status, wwwAuthenticate, retryAfter } = answer;
  const unavailable = status === 503 && retryAfter !== undefined;
  const outcome = NOT_EXECUTED_STATUSES.has(status) || unavailable ? 'not_executed' : 'unknown';
  const retryAfterMs = status === 429 || status === 503 ? parseRetryAfter(retryAfter) : undefined;
  return {
    outcome,
    retriable: status === 429 || unavailable,
    httpStatus: status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status === 401 &&
      wwwAuthenticate !== undefined && { wwwAuthenticate: cleanDetail(wwwAuthenticate, MAX_CHALLENGE_LENGTH) }),
  };
}

const HTTP_DATE = /^[a-z]{3,9},? /i;
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/** Parses Retry-After to milliseconds from now: seconds or a date (RFC 9110, 10.2.3). Undefined if it is neither. */
function parseRetryAfter(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  const text = trimOptionalWhitespace(retryAfter);
  const delayMs = /^\d+$/.test(text) ? Number(text) * 1000 : HTTP_DATE.test(text) ? Date.parse(text) - Date.now() : NaN;
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), MAX_RETRY_AFTER_MS);
}
