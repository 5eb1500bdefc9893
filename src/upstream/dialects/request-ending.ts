import {
  outcomeOfFault,
  outcomeOfHttp,
  outcomeOfMessage,
  parseJson,
  readMessage,
  type HttpAnswer,
  type Outcome,
} from '#lib/mcp-protocol';
import type { RequestEnding } from './single-request.js';

/** What an ending means to the request with this id. */
export function endingToOutcome(ending: RequestEnding, id: number): Outcome {
  switch (ending.kind) {
    case 'answer':
      return outcomeOfHttp(ending.answer, id);
    case 'message':
      return outcomeOfMessage(parseJson(ending.data), id);
    case 'fault':
      return outcomeOfFault(ending.fault, ending.detail);
  }
}

/** True for an event that is a response; for others the stream is read on. */
export function isResponse(data: string): boolean {
  try {
    return readMessage(parseJson(data)).kind === 'response';
  } catch {
    return false;
  }
}

/** True when the body is a JSON-RPC message, whatever the status. */
export function isRpcResponse(answer: HttpAnswer): boolean {
  return isResponse(answer.body);
}
