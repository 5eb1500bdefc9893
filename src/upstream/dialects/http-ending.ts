import {
  outcomeOfFault,
  outcomeOfHttp,
  outcomeOfMessage,
  parseJson,
  readMessage,
  type HttpAnswer,
  type Outcome,
} from '#lib/mcp-protocol';
import type { Ending } from './request-once.js';

/** What an ending means to the request with this id. */
export function outcomeOfEnding(ending: Ending, id: number): Outcome {
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
export function isRpcAnswer(answer: HttpAnswer): boolean {
  return isResponse(answer.body);
}
