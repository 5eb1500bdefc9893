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

/** Whose answer it is. */
export interface AnsweredTool {
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
export function outcomeOfRest(answer: HttpAnswer, bytes: Buffer, asked: AnsweredTool): Outcome {
  const { status } = answer;
  if (status >= 400) return result(failedTool(answer));
  if (status >= 300) return outcomeOfHttp({ ...answer, body: '' }, 0);
  const type = mediaTypeOf(answer.contentType);
  const isNoJson = bytes.length === 0 || (type !== undefined && !isJson(type));
  if (asked.isStructured && isNoJson)
    return brokeProtocol(asked.server, 'the answer is no JSON, as its output schema says');
  if (bytes.length === 0) return result({ content: [text('')] });
  if (type === undefined) return ofUnknownType(bytes, asked);
  if (isJson(type)) return ofJson(decoded(bytes, 'utf-8'), asked);
  if (isText(type)) {
    const words = decoded(bytes, charsetOf(answer.contentType));
    return words === undefined ? brokeProtocol(asked.server, NO_TEXT) : result({ content: [text(words)] });
  }
  return result({ content: [binary(type, bytes, asked)] });
}

const NO_TEXT = 'the answer is no text in the character set that it names';

/** Says so in words for the model, and in numbers for the program. */
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

/** Words that claim to be JSON and are none must not pass for an answer. */
function ofJson(words: string | undefined, asked: AnsweredTool): Outcome {
  const { server } = asked;
  if (words === undefined) return brokeProtocol(server, 'the answer is no JSON in UTF-8');
  const value = parsed(words);
  if (value instanceof JsonFault) {
    return brokeProtocol(server, `the answer cannot be read (${value.message.slice(0, -1)})`);
  }
  return ofValue(words, value, asked);
}

/** Who names no type is believed what his bytes look like. */
function ofUnknownType(bytes: Buffer, asked: AnsweredTool): Outcome {
  const words = decoded(bytes, 'utf-8');
  if (words === undefined) return result({ content: [binary('application/octet-stream', bytes, asked)] });
  const value = parsed(words);
  return value instanceof JsonFault ? result({ content: [text(words)] }) : ofValue(words, value, asked);
}

/** The words of the server, or the part of them that is the result; and what they hold, where that may stand in an answer. */
function ofValue(words: string, value: JsonValue, { server, pick, isStructured = false }: AnsweredTool): Outcome {
  const picked = pick ? pick(value) : value;
  if (picked === undefined) return brokeProtocol(server, 'the answer has not the part that is the result of the tool');
  const content = [text(pick ? JSON.stringify(picked) : words)];
  // Nothing else than an object may stand there in every era.
  if (isJsonObject(picked)) return result({ content, structuredContent: picked });
  if (isStructured) return brokeProtocol(server, 'the result of the tool is no object, as its output schema says');
  return result({ content });
}

function binary(mimeType: string, bytes: Buffer, { tool }: AnsweredTool): JsonObject {
  const data = bytes.toString('base64');
  if (mimeType.startsWith('image/')) return { type: 'image', data, mimeType };
  if (mimeType.startsWith('audio/')) return { type: 'audio', data, mimeType };
  return { type: 'resource', resource: { uri: `rest://${tool}`, mimeType, blob: data } };
}

const text = (words: string): JsonObject => ({ type: 'text', text: words });

const MEDIA_TYPE = /^\s*([\w.+-]+\/[\w.+-]+)\s*(?:;|$)/;

/** `type/subtype` in lower case; undefined when there is none that can be read (RFC 9110, 8.3.1). */
const mediaTypeOf = (contentType: string | undefined): string | undefined =>
  MEDIA_TYPE.exec(contentType ?? '')?.[1]?.toLowerCase();

const isJson = (type: string): boolean => type === 'application/json' || type.endsWith('+json');

const TEXTS =
  /^(?:text\/.*|application\/(?:.*\+)?(?:xml|yaml|javascript|x-www-form-urlencoded|x-ndjson)|image\/svg\+xml)$/;

const isText = (type: string): boolean => TEXTS.test(type);

const charsetOf = (contentType: string | undefined): string =>
  /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';

/** Undefined when the bytes are no text in this character set, or nobody knows it. */
function decoded(bytes: Buffer, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parsed(words: string): JsonValue | JsonFault {
  try {
    return parseJson(words);
  } catch (fault) {
    if (fault instanceof JsonFault) return fault;
    throw fault;
  }
}
