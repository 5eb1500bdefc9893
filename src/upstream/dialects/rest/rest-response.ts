import {
  isJsonObject,
  JsonFault,
  toHttpOutcome,
  MESSAGE_BOUNDS,
  parseJson,
  readRefusal,
  result,
  type HttpAnswer,
  type JsonObject,
  type JsonValue,
  type Outcome,
} from '#lib/mcp-protocol';
import type { JsonPath } from '../../../registry/index.js';
import { protocolViolation } from '../../upstream.errors.js';
import { isJsonMediaType, isTextMediaType, parseMediaType } from './media-types.js';

/** The tool that was called, and how its HTTP answer becomes a result. */
export interface ToolResultMapping {
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
export function restAnswerToOutcome(answer: HttpAnswer, bytes: Buffer, mapping: ToolResultMapping): Outcome {
  const { status } = answer;
  if (status >= 400) return result(toToolError(answer));
  if (status >= 300) return toHttpOutcome({ ...answer, body: '' }, 0);
  const type = parseMediaType(answer.contentType);
  const isNotJson = bytes.length === 0 || (type !== undefined && !isJsonMediaType(type));
  if (mapping.isStructured && isNotJson) {
    return protocolViolation(mapping.server, "the answer is not JSON, which the tool's output schema requires");
  }
  if (bytes.length === 0) return result({ content: [toTextContent('')] });
  if (type === undefined) return untypedToOutcome(bytes, mapping);
  if (isJsonMediaType(type)) return jsonToOutcome(tryDecode(bytes, 'utf-8'), mapping);
  if (isTextMediaType(type)) {
    const body = tryDecode(bytes, parseCharset(answer.contentType));
    return body === undefined
      ? protocolViolation(mapping.server, NOT_DECODABLE)
      : result({ content: [toTextContent(body)] });
  }
  return result({ content: [toBinaryContent(type, bytes, mapping)] });
}

const NOT_DECODABLE = 'the answer is not text in its declared character set';

/** Describes a failed call: as text for the model, and as `_meta` values for the program. */
function toToolError(answer: HttpAnswer): JsonObject {
  const { message, detail, circumstances } = readRefusal(answer);
  const { httpStatus, retryAfterMs, wwwAuthenticate } = circumstances;
  const _meta = {
    'isthmus/httpStatus': httpStatus,
    ...(detail !== undefined && { 'isthmus/detail': detail }),
    ...(retryAfterMs !== undefined && { 'isthmus/retryAfterMs': retryAfterMs }),
    ...(wwwAuthenticate !== undefined && { 'isthmus/wwwAuthenticate': wwwAuthenticate }),
  };
  return { content: [toTextContent(message)], isError: true, _meta };
}

/** A text that is declared as JSON but is not must not become a result. */
function jsonToOutcome(body: string | undefined, mapping: ToolResultMapping): Outcome {
  const { server } = mapping;
  if (body === undefined) return protocolViolation(server, 'the JSON answer is not valid UTF-8');
  const value = tryParseJson(body, mapping.pick ? COMPUTED_BOUNDS : WHOLE_BOUNDS);
  if (value instanceof JsonFault) {
    return protocolViolation(server, `the answer cannot be read (${value.message.slice(0, -1)})`);
  }
  return valueToOutcome(body, value, mapping);
}

/** Without a declared media type, the type is detected from the bytes. */
function untypedToOutcome(bytes: Buffer, mapping: ToolResultMapping): Outcome {
  const body = tryDecode(bytes, 'utf-8');
  if (body === undefined) return result({ content: [toBinaryContent('application/octet-stream', bytes, mapping)] });
  const value = tryParseJson(body, mapping.pick ? COMPUTED_BOUNDS : WHOLE_BOUNDS);
  return value instanceof JsonFault ? result({ content: [toTextContent(body)] }) : valueToOutcome(body, value, mapping);
}

/** Returns the answer, or its selected part, as text, and also as structured content when it is an object. */
function valueToOutcome(
  body: string,
  value: JsonValue,
  { server, pick, isStructured = false }: ToolResultMapping,
): Outcome {
  const picked = pick ? pick(value) : value;
  if (picked === undefined)
    return protocolViolation(server, "the answer lacks the part that the tool's `result` path selects");
  const content = [toTextContent(pick ? JSON.stringify(picked) : body)];
  // Structured content must be an object in every era.
  if (isJsonObject(picked)) return result({ content, structuredContent: picked });
  if (isStructured)
    return protocolViolation(server, "the result is not an object, which the tool's output schema requires");
  return result({ content });
}

function toBinaryContent(mimeType: string, bytes: Buffer, { tool }: ToolResultMapping): JsonObject {
  const data = bytes.toString('base64');
  if (mimeType.startsWith('image/')) return { type: 'image', data, mimeType };
  if (mimeType.startsWith('audio/')) return { type: 'audio', data, mimeType };
  return { type: 'resource', resource: { uri: `rest://${tool}`, mimeType, blob: data } };
}

const toTextContent = (value: string): JsonObject => ({ type: 'text', text: value });

const parseCharset = (contentType: string | undefined): string =>
  /;[ \t]*charset[ \t]*=[ \t]*"?([\w.:-]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';

/** Returns undefined when the bytes are invalid in this character set, or the character set is unknown. */
function tryDecode(bytes: Buffer, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Of an answer that is returned whole, every decimal keeps its text. A path may compare numbers, so there none does. */
const WHOLE_BOUNDS = { ...MESSAGE_BOUNDS, decimalDepth: 0 };
const COMPUTED_BOUNDS = { ...MESSAGE_BOUNDS, decimalDepth: Infinity };

function tryParseJson(body: string, bounds: typeof WHOLE_BOUNDS): JsonValue | JsonFault {
  try {
    return parseJson(body, bounds);
  } catch (fault) {
    if (fault instanceof JsonFault) return fault;
    throw fault;
  }
}
