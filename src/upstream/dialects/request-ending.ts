import {
  JsonFault,
  toFaultOutcome,
  toHttpOutcome,
  toMessageOutcome,
  parseServerMessage,
  readMessage,
  type HttpAnswer,
  type Outcome,
  type TransportFault,
} from '#lib/mcp-protocol';
import { DELIVERED } from '../upstream-connection.js';
import type { RequestEnding } from './single-request.js';

/** Converts the ending of an HTTP request to the outcome of the JSON-RPC request with this id. */
export function endingToOutcome(ending: RequestEnding, id: number): Outcome {
  switch (ending.kind) {
    case 'answer':
      return toHttpOutcome(ending.answer, id);
    case 'message':
      return messageToOutcome(ending.data, id);
    case 'fault':
      return toFaultOutcome(ending.fault, ending.detail);
  }
}

/** Faults after which a message was not delivered. After any other one the server may have read it. */
const UNDELIVERED_FAULTS: ReadonlySet<TransportFault> = new Set(['refused', 'forbidden', 'lost']);

/** Converts the ending of an HTTP request that expects no answer: `DELIVERED`, unless the server has not accepted it. */
export function toDelivery(ending: RequestEnding): Outcome {
  if (ending.kind === 'fault')
    return UNDELIVERED_FAULTS.has(ending.fault) ? toFaultOutcome(ending.fault, ending.detail) : DELIVERED;
  return ending.kind === 'message' || ending.answer.status < 300 ? DELIVERED : toHttpOutcome(ending.answer, 0);
}

function messageToOutcome(data: string, id: number): Outcome {
  try {
    return toMessageOutcome(parseServerMessage(data), id);
  } catch (fault) {
    if (!(fault instanceof JsonFault)) throw fault;
    return toFaultOutcome('too_large', fault.message.slice(0, -1));
  }
}

/** Returns whether an event ends the request: a JSON-RPC response, or a message too large to say. */
export function isEnd(data: string): boolean {
  try {
    return isResponse(data);
  } catch (fault) {
    return fault instanceof JsonFault && fault.reason === 'size';
  }
}

const isResponse = (data: string): boolean => readMessage(parseServerMessage(data)).kind === 'response';

/** Returns whether the body is a JSON-RPC response, for any HTTP status. */
export function isRpcResponse(answer: HttpAnswer): boolean {
  try {
    return isResponse(answer.body);
  } catch {
    return false;
  }
}
