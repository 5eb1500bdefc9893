import {
  toFaultOutcome,
  toHttpOutcome,
  toMessageOutcome,
  parseServerMessage,
  readMessage,
  type HttpAnswer,
  type Outcome,
} from '#lib/mcp-protocol';
import type { RequestEnding } from './single-request.js';

/** Converts the ending of an HTTP request to the outcome of the JSON-RPC request with this id. */
export function endingToOutcome(ending: RequestEnding, id: number): Outcome {
  switch (ending.kind) {
    case 'answer':
      return toHttpOutcome(ending.answer, id);
    case 'message':
      return toMessageOutcome(parseServerMessage(ending.data), id);
    case 'fault':
      return toFaultOutcome(ending.fault, ending.detail);
  }
}

/** Returns whether an event is a JSON-RPC response. The stream is read until one arrives. */
export function isResponse(data: string): boolean {
  try {
    return readMessage(parseServerMessage(data)).kind === 'response';
  } catch {
    return false;
  }
}

/** Returns whether the body is a JSON-RPC response, for any HTTP status. */
export function isRpcResponse(answer: HttpAnswer): boolean {
  return isResponse(answer.body);
}
