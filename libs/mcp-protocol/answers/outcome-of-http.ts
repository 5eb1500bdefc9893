import { GatewayCode } from '../error-codes.js';
import { isJsonObject } from '../json.js';
import type { RequestId } from '../json-rpc.js';
import type { Outcome } from '../neutral.js';
import { JsonFault } from '../parse-json.js';
import { isRpcError } from '../read-message.js';
import { parsed, type HttpAnswer } from './http-answer.js';
import { detailIn, refusalWith } from './http-refusal.js';
import { onlyMembersOf, outcomeOfMessage } from './outcome-of-message.js';
import { brokenProtocol, ownFailure } from './own-failure.js';

/** Decides what an HTTP answer means to the request with this id (docs/errors.md, one row per case). */
export function outcomeOfHttp(answer: HttpAnswer, id: RequestId): Outcome {
  const { status, body } = answer;
  if (status < 200 || status > 299) return refusal(answer);
  if (body === '') return brokenProtocol('the answer is empty');
  const value = parsed(body);
  if (value instanceof JsonFault) return brokenProtocol(`the answer cannot be read (${value.message.slice(0, -1)})`);
  return outcomeOfMessage(value, id);
}

function refusal(answer: HttpAnswer): Outcome {
  const value = parsed(answer.body);
  if (value instanceof JsonFault) return told(answer, answer.body);
  if (isJsonObject(value) && isRpcError(value['error'])) {
    return { kind: 'error', error: onlyMembersOf(value['error']) };
  }
  return told(answer, isJsonObject(value) ? detailIn(value) : answer.body);
}

function told(answer: HttpAnswer, text: string): Outcome {
  const { message, circumstances } = refusalWith(answer, text);
  return ownFailure(GatewayCode.upstreamFailed, message, circumstances);
}
