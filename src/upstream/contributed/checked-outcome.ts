import {
  isJsonObject,
  isRpcError,
  JsonFault,
  parseJson,
  toFaultOutcome,
  toServerContent,
  toServerError,
  type JsonValue,
  type Outcome,
} from '#lib/mcp-protocol';
import { protocolViolation } from '../upstream.errors.js';

/**
 * What an adapter returned, as plain JSON, or the violation that it is. What it returned ended the call, so that may have run. It speaks
 * for its server: what only the gateway may say is moved, as for other servers. An adapter states facts about a call by an error of the kit.
 */
export function toCheckedOutcome(value: unknown, server: string, maxBytes: number): Outcome {
  const text = toText(value);
  if (text === undefined) return protocolViolation(server, 'the outcome of the adapter is no JSON');
  if (Buffer.byteLength(text) > maxBytes) return toFaultOutcome('too_large');
  const outcome = readJson(text);
  if (isJsonObject(outcome)) {
    const { kind, result, error } = outcome;
    if (kind === 'result' && isJsonObject(result)) return { kind, result: toServerContent(result) };
    if (kind === 'error' && isRpcError(error)) return { kind, error: toServerError(error) };
  }
  return protocolViolation(server, 'the outcome of the adapter is neither a result nor an error');
}

/** Undefined beyond the bounds of a message. */
function readJson(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch (cause) {
    if (cause instanceof JsonFault) return undefined;
    throw cause;
  }
}

/** Undefined for what JSON cannot express. */
function toText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
