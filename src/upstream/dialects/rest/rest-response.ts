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
import { protocolViolation } from '../../upstream.errors.js';

/** Whose answer it is. */
export interface ToolResultMapping {
  readonly server: string;
  readonly tool: string;
  /** The part of a JSON answer that is the result. */
  readonly pick?: JsonPath;
  /** Clients were told what structured content is like: there must be some. */
  readonly isStructured?: boolean;
}

/**
 * What a complete HTTP answer says about the call of a tool: a result for 2xx, a result that is an error for 4xx and
 * 5xx (docs/errors.md), an error for a redirect, which is never followed, and for what cannot be read.
 */
export function restAnswerToOutcome(answer: HttpAnswer, bytes: Buffer, asked: ToolResultMapping): Outcome {
  const { status } = answer;
  if (status >= 400) return result(toToolError(answer));
  if (status >= 300) return outcomeOfHttp({ ...answer, body: '' }, 0);
  const type = parseMediaType(answer.contentType);
  const isNoJson = bytes.length === 0 || (type !== undefined && !isJson(type));
  if (asked.isStructured && isNoJson)
    return protocolViolation(asked.server, 'the answer is no JSON, as its output schema says');
  if (bytes.length === 0) return result({ content: [toTextContent('')] });
  if (type === undefined) return untypedToOutcome(bytes, asked);
  if (isJson(type)) return jsonToOutcome(tryDecode(bytes, 'utf-8'), asked);
  if (isText(type)) {
    const words = tryDecode(bytes, parseCharset(answer.contentType));
    return words === undefined
      ? protocolViolation(asked.server, NOT_DECODABLE)
      : result({ content: [toTextContent(words)] });
  }
  return result({ content: [toBinaryContent(type, bytes, asked)] });
}

const NOT_DECODABLE = 'the answer is no text in the character set that it names';

/** Says so in words for the model, and in numbers for the program. */
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

/** Words that claim to be JSON and are none must not pass for an answer. */
function jsonToOutcome(words: string | undefined, asked: ToolResultMapping): Outcome {
  const { server } = asked;
  if (words === undefined) return protocolViolation(server, 'the answer is no JSON in UTF-8');
  const value = tryParseJson(words);
  if (value instanceof JsonFault) {
    return protocolViolation(server, `the answer cannot be read (${value.message.slice(0, -1)})`);
  }
  return valueToOutcome(words, value, asked);
}

/** Who names no type is believed what his bytes look like. */
function untypedToOutcome(bytes: Buffer, asked: ToolResultMapping): Outcome {
  const words = tryDecode(bytes, 'utf-8');
  if (words === undefined) return result({ content: [toBinaryContent('application/octet-stream', bytes, asked)] });
  const value = tryParseJson(words);
  return value instanceof JsonFault ? result({ content: [toTextContent(words)] }) : valueToOutcome(words, value, asked);
}

/** The words of the server, or the part of them that is the result; and what they hold, where that may stand in an answer. */
function valueToOutcome(
  words: string,
  value: JsonValue,
  { server, pick, isStructured = false }: ToolResultMapping,
): Outcome {
  const picked = pick ? pick(value) : value;
  if (picked === undefined)
    return protocolViolation(server, 'the answer has not the part that is the result of the tool');
  const content = [toTextContent(pick ? JSON.stringify(picked) : words)];
  // Nothing else than an object may stand there in every era.
  if (isJsonObject(picked)) return result({ content, structuredContent: picked });
  if (isStructured) return protocolViolation(server, 'the result of the tool is no object, as its output schema says');
  return result({ content });
}

function toBinaryContent(mimeType: string, bytes: Buffer, { tool }: ToolResultMapping): JsonObject {
  const data = bytes.toString('base64');
  if (mimeType.startsWith('image/')) return { type: 'image', data, mimeType };
  if (mimeType.startsWith('audio/')) return { type: 'audio', data, mimeType };
  return { type: 'resource', resource: { uri: `rest://${tool}`, mimeType, blob: data } };
}

const toTextContent = (words: string): JsonObject => ({ type: 'text', text: words });

const MEDIA_TYPE = /^\s*([\w.+-]+\/[\w.+-]+)\s*(?:;|$)/;

/** `type/subtype` in lower case; undefined when there is none that can be read (RFC 9110, 8.3.1). */
const parseMediaType = (contentType: string | undefined): string | undefined =>
  MEDIA_TYPE.exec(contentType ?? '')?.[1]?.toLowerCase();

const isJson = (type: string): boolean => type === 'application/json' || type.endsWith('+json');

const TEXT_MEDIA_TYPES =
  /^(?:text\/.*|application\/(?:.*\+)?(?:xml|yaml|javascript|x-www-form-urlencoded|x-ndjson)|image\/svg\+xml)$/;

const isText = (type: string): boolean => TEXT_MEDIA_TYPES.test(type);

const parseCharset = (contentType: string | undefined): string =>
  /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';

/** Undefined when the bytes are no text in this character set, or nobody knows it. */
function tryDecode(bytes: Buffer, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function tryParseJson(words: string): JsonValue | JsonFault {
  try {
    return parseJson(words);
  } catch (fault) {
    if (fault instanceof JsonFault) return fault;
    throw fault;
  }
}
