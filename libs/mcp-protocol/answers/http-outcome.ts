import { GatewayCode } from '../error-codes.js';
import { isJsonObject } from '../json.js';
import type { RequestId } from '../json-rpc.js';
import type { Outcome } from '../neutral.js';
import { parseServerMessage } from '../deep-json.js';
import { JsonFault } from '../parse-json.js';
import { isRpcError } from '../read-message.js';
import { parseBody, type HttpAnswer } from './http-answer.js';
import { readDetail, toRefusal } from './http-refusal.js';
import { toMessageOutcome } from './message-outcome.js';
import { toServerError } from './gateway-claims.js';
import { protocolViolation, gatewayFailure } from './gateway-failure.js';

/** Converts an HTTP answer to the outcome of the request with this id (docs/errors.md, one row per case). */
export function toHttpOutcome(answer: HttpAnswer, id: RequestId): Outcome {
  const { status, body } = answer;
  if (status < 200 || status > 299) return toRefusalOutcome(answer);
  if (body === '') return protocolViolation('the answer is empty');
  const value = parseBody(body, parseServerMessage);
  if (value instanceof JsonFault) return protocolViolation(`the answer cannot be read (${value.message.slice(0, -1)})`);
  return toMessageOutcome(value, id);
}

function toRefusalOutcome(answer: HttpAnswer): Outcome {
  const value = parseBody(answer.body);
  if (value instanceof JsonFault) return toUpstreamFailure(answer, answer.body);
  if (isJsonObject(value) && isRpcError(value['error'])) {
    return { kind: 'error', error: toServerError(value['error']) };
  }
  return toUpstreamFailure(answer, isJsonObject(value) ? readDetail(value) : answer.body);
}

function toUpstreamFailure(answer: HttpAnswer, text: string): Outcome {
  const { message, circumstances } = toRefusal(answer, text);
  return gatewayFailure(GatewayCode.upstreamFailed, message, circumstances);
}
