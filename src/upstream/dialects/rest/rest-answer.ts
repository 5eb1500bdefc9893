import {
  isJsonObject,
  JsonFault,
  outcomeOfHttp,
  parseJson,
  readRefusal,
  result,
  type HttpAnswer,
  type JsonObject,
  type JsonValue,
  type Outcome,
} from '#lib/mcp-protocol';
import type { JsonPath } from '../../../registry/index.js';
import { brokeProtocol } from '../../upstream.errors.js';

/** The tool that was called, and how its HTTP answer becomes a result. */
export interface AnsweredTool {
  readonly server: string;
  readonly tool: string;
  /** Selects the part of a JSON answer that is the result. */
  readonly pick?: JsonPath;
  /** The tool declares an output schema, so the result must have structured content. */
  readonly isStructured?: boolean;
}

/**
 * Converts a complete HTTP answer to the outcome of a tool call: a result for 2xx, a result with `isError` for 4xx and
 * 5xx (docs/errors.md), and an error for a redirect, which is never followed, and for an unreadable answer.
 */
export function outcomeOfRest(answer: HttpAnswer, bytes: Buffer, mapping: AnsweredTool): Outcome {
  const { status } = answer;
  if (status >= 400) return result(failedTool(answer));
  if (status >= 300) return outcomeOfHttp({ ...answer, body: '' }, 0);
  const type = mediaTypeOf(answer.contentType);
  const isNotJson = bytes.length === 0 || (type !== undefined && !isJson(type));
  if (mapping.isStructured && isNotJson) {
    return brokeProtocol(mapping.server, "the answer is not JSON, which the tool's output schema requires");
  }
  if (bytes.length === 0) return result({ content: [text('')] });
  if (type === undefined) return ofUnknownType(bytes, mapping);
  if (isJson(type)) return ofJson(decoded(bytes, 'utf-8'), mapping);
  if (isText(type)) {
    const body = decoded(bytes, charsetOf(answer.contentType));
    return body === undefined ? brokeProtocol(mapping.server, NO_TEXT) : result({ content: [text(body)] });
  }
  return result({ content: [binary(type, bytes, mapping)] });
}

const NO_TEXT = 'the answer is not text in its declared character set';

/** Describes a failed call: as text for the model, and as `_meta` values for the program. */
function failedTool(answer: HttpAnswer): JsonObject {
  const { message, detail, circumstances } = readRefusal(answer);
  const { httpStatus, retryAfterMs, wwwAuthenticate } = circumstances;
  const _meta = {
    'isthmus/httpStatus': httpStatus,
    ...(detail !== undefined && { 'isthmus/detail': detail }),
    ...(retryAfterMs !== undefined && { 'isthmus/retryAfterMs': retryAfterMs }),
    ...(wwwAuthenticate !== undefined && { 'isthmus/wwwAuthenticate': wwwAuthenticate }),
  };
  return { content: [text(message)], isError: true, _meta };
}

/** A text that is declared as JSON but is not must not become a result. */
function ofJson(body: string | undefined, mapping: AnsweredTool): Outcome {
  const { server } = mapping;
  if (body === undefined) return brokeProtocol(server, 'the JSON answer is not valid UTF-8');
  const value = parsed(body);
  if (value instanceof JsonFault) {
    return brokeProtocol(server, `the answer is not valid JSON (${value.message.slice(0, -1)})`);
  }
  return ofValue(body, value, mapping);
}

/** Without a declared media type, the type is detected from the bytes. */
function ofUnknownType(bytes: Buffer, mapping: AnsweredTool): Outcome {
  const body = decoded(bytes, 'utf-8');
  if (body === undefined) return result({ content: [binary('application/octet-stream', bytes, mapping)] });
  const value = parsed(body);
  return value instanceof JsonFault ? result({ content: [text(body)] }) : ofValue(body, value, mapping);
}

/** Returns the answer, or its selected part, as text, and also as structured content when it is an object. */
function ofValue(body: string, value: JsonValue, { server, pick, isStructured = false }: AnsweredTool): Outcome {
  const picked = pick ? pick(value) : value;
  if (picked === undefined)
    return brokeProtocol(server, "the answer lacks the part that the tool's `result` path selects");
  const content = [text(pick ? JSON.stringify(picked) : body)];
  // Structured content must be an object in every era.
  if (isJsonObject(picked)) return result({ content, structuredContent: picked });
  if (isStructured)
    return brokeProtocol(server, "the result is not an object, which the tool's output schema requires");
  return result({ content });
}

function binary(mimeType: string, bytes: Buffer, { tool }: AnsweredTool): JsonObject {
  const data = bytes.toString('base64');
  if (mimeType.startsWith('image/')) return { type: 'image', data, mimeType };
  if (mimeType.startsWith('audio/')) return { type: 'audio', data, mimeType };
  return { type: 'resource', resource: { uri: `rest://${tool}`, mimeType, blob: data } };
}

const text = (value: string): JsonObject => ({ type: 'text', text: value });

const MEDIA_TYPE = /^\s*([\w.+-]+\/[\w.+-]+)\s*(?:;|$)/;

/** Returns `type/subtype` in lower case, or undefined when it is absent or malformed (RFC 9110, 8.3.1). */
const mediaTypeOf = (contentType: string | undefined): string | undefined =>
  MEDIA_TYPE.exec(contentType ?? '')?.[1]?.toLowerCase();

const isJson = (type: string): boolean => type === 'application/json' || type.endsWith('+json');

const TEXTS =
  /^(?:text\/.*|application\/(?:.*\+)?(?:xml|yaml|javascript|x-www-form-urlencoded|x-ndjson)|image\/svg\+xml)$/;

const isText = (type: string): boolean => TEXTS.test(type);

const charsetOf = (contentType: string | undefined): string =>
  /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';

/** Returns undefined when the bytes are invalid in this character set, or the character set is unknown. */
function decoded(bytes: Buffer, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parsed(body: string): JsonValue | JsonFault {
  try {
    return parseJson(body);
  } catch (fault) {
    if (fault instanceof JsonFault) return fault;
    throw fault;
  }
}
