import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { JsonFault, parseJson, type JsonValue } from '#lib/mcp-protocol';
import { BadRequest, UnreadableBody } from './transport.errors.js';

const JSON_TYPE = /^application\/json[ \t]*(;|$)/i;

/**
 * Checks the headers of a POST before its body is read.
 * @throws BadRequest 406 when the client does not accept a type that the response can have, 415 for another body than JSON
 */
export function requireJsonHeaders(headers: IncomingHttpHeaders, ...accepted: readonly string[]): void {
  requireAccept(headers, ...accepted);
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) {
    throw new BadRequest('Content-Type must be application/json.', 415);
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new BadRequest('Content-Encoding is not supported. Send the body unencoded.', 415);
  }
}

/** Parses the JSON body of a POST. @throws UnreadableBody */
export function readJsonBody(body: unknown): JsonValue {
  if (!(body instanceof Buffer) || body.length === 0) throw new UnreadableBody('The body is empty.');
  if (!isUtf8(body)) throw new UnreadableBody('The body is not UTF-8.');
  try {
    return parseJson(body.toString('utf8'));
  } catch (cause) {
    if (cause instanceof JsonFault) throw new UnreadableBody(cause.message);
    throw cause;
  }
}

/** @throws BadRequest 406 when the client does not accept every type that the response can have */
export function requireAccept(headers: IncomingHttpHeaders, ...types: readonly string[]): void {
  if (types.every((type) => acceptsType(headers, type))) return;
  throw new BadRequest(`Accept must list ${types.join(' and ')}.`, 406);
}

/** True if the client accepts the type by name, by a range, or because it sends no Accept header. */
export function acceptsType({ accept }: IncomingHttpHeaders, type: string): boolean {
  if (accept === undefined) return true;
  const accepted = accept.toLowerCase();
  return [type, '*/*', `${type.split('/', 1)[0]}/*`].some((range) => accepted.includes(range));
}
