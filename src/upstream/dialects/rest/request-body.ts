import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { RestRequestBody, RestTool } from '../../../registry/index.js';
import { ArgumentFault } from './argument-fault.js';
import { checkMayName, selectSent } from './argument-rules.js';
import { toText, type CallArguments } from './call-arguments.js';
import { decodeBase64, toMultipartForm, toUrlEncodedForm } from './form-body.js';
import { isJsonMediaType, parseMediaType } from './media-types.js';
import { requireWellFormed } from './request-parameters.js';

/** The body of a request. */
export interface ComposedBody {
  readonly content: string | Buffer;
  readonly contentType: string;
}

const JSON_TYPE = 'application/json';

/**
 * Composes the body that `requestBody` of a tool describes. Undefined when no argument is for an optional body: an empty body
 * is another request.
 * @throws ArgumentFault
 */
export function composeBody(
  body: RestRequestBody,
  tool: RestTool,
  url: URL,
  values: CallArguments,
): ComposedBody | undefined {
  const { argument, required = false } = body;
  if (argument !== undefined) {
    const value = values.use(argument);
    return value === undefined ? undefined : toBody(body, argument, value);
  }
  const named = takeNamed(tool, url, values);
  const members = { ...selectSent(tool, url, values.unused()), ...named };
  return Object.keys(members).length === 0 && !required ? undefined : toBody(body, 'body', members);
}

/** Returns the members of the body whose arguments have other names. */
function takeNamed(tool: RestTool, url: URL, values: CallArguments): JsonObject {
  const members = Object.entries(tool.parameters ?? {}).flatMap(([argument, { in: place, name = argument }]) => {
    const value = place === 'body' ? values.use(argument) : undefined;
    if (value === undefined) return [];
    checkMayName(tool, url, argument, name);
    return [[name, value] as const];
  });
  return Object.fromEntries(members);
}

function toBody(body: RestRequestBody, argument: string, value: JsonValue): ComposedBody {
  const { contentType = JSON_TYPE, base64 = false, fields = {} } = body;
  if (base64) return { content: decodeBase64(argument, value), contentType };
  if (isJsonMediaType(contentType)) return { content: JSON.stringify(value), contentType };
  const type = parseMediaType(contentType);
  if (type === 'multipart/form-data') return toMultipartForm(requireObject(argument, value), fields);
  if (type === 'application/x-www-form-urlencoded') {
    requireWellFormed(argument, value);
    return { content: toUrlEncodedForm(requireObject(argument, value), fields), contentType };
  }
  return { content: toText(value), contentType };
}

function requireObject(argument: string, value: JsonValue): JsonObject {
  if (isJsonObject(value)) return value;
  throw new ArgumentFault(`The argument ${argument.toWellFormed()} must be an object.`);
}
