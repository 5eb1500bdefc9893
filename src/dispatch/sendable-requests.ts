import { isJsonObject, type JsonValue, type McpRequest, type Outcome } from '#lib/mcp-protocol';
import { invalidParams, methodNotFound } from './dispatch.errors.js';

/** Maximum length of a method, in characters. */
const MAX_METHOD_LENGTH = 256;
/** Maximum length of the name of a tool or prompt, in UTF-16 code units. */
const MAX_NAME_LENGTH = 1_024;
/** Maximum length of the URI of a resource or template, in UTF-16 code units. */
const MAX_URI_LENGTH = 8_192;

/** Printable ASCII: a modern server receives the method in a header too (basic/transports/streamable-http). */
const METHOD = /^[\x21-\x7e]+$/;

export function isSendableMethod(method: string): boolean {
  return method.length <= MAX_METHOD_LENGTH && METHOD.test(method);
}

/**
 * Returns the error for a request whose method, name or URI no server can receive, or undefined. Without this check the
 * server would refuse its headers, and the client would take its own fault for a failure of the server that is worth a retry.
 */
export function findUnsendable({ method, params }: McpRequest): Outcome | undefined {
  if (!isSendableMethod(method)) return methodNotFound(method);
  const { name, uri, ref } = params;
  const fault = findTextFault('params', { name, uri }) ?? (isJsonObject(ref) && findTextFault('params.ref', ref));
  return fault ? invalidParams(fault) : undefined;
}

function findTextFault(path: string, texts: Readonly<Record<string, JsonValue | undefined>>): string | undefined {
  return (
    findFault(`${path}.name`, texts['name'], MAX_NAME_LENGTH) ?? findFault(`${path}.uri`, texts['uri'], MAX_URI_LENGTH)
  );
}

function findFault(path: string, text: JsonValue | undefined, maxLength: number): string | undefined {
  if (typeof text !== 'string') return undefined;
  if (text.length > maxLength) return `${path} must have at most ${maxLength} characters.`;
  return text.isWellFormed() ? undefined : `${path} is not well-formed Unicode.`;
}
