import { isJsonObject, RpcCode, type Outcome } from '#lib/mcp-protocol';
import type { BusEnd } from '#lib/worker-bus';
import type { TimedAnswer } from './run-log.js';

/** The answer that a client receives, without its time. */
export type ClientAnswer = Omit<TimedAnswer, 'time'>;

/** Reason of answers and rejections for a session that does not exist. */
export const SESSION_GONE = 'session_gone';
/** Reason of rejections at the maximum of in-flight calls per session. */
export const OVERLOADED = 'overloaded';

export const notExecuted = (why: string): ClientAnswer => ({ verdict: 'not_executed', why });
export const unknown = (why: string): ClientAnswer => ({ verdict: 'unknown', why });

/** The answer of an owner whose session has ended since the call was admitted. */
export const ENDED: Outcome = {
  kind: 'error',
  error: { code: RpcCode.invalidRequest, message: SESSION_GONE },
  httpStatus: 404,
};

/** Converts the end of a forwarded call. */
export function toClientAnswer(end: BusEnd): ClientAnswer {
  switch (end.kind) {
    case 'value':
      return isOutcome(end.value) ? outcomeToClientAnswer(end.value) : unknown('unreadable');
    case 'refused':
      return notExecuted(end.reason);
    case 'not-executed':
      return notExecuted(end.cause);
    case 'failed':
      return unknown(end.kind);
    case 'unknown':
      return unknown(end.cause);
  }
}

/** Converts the outcome of a local call. */
export function outcomeToClientAnswer(outcome: Outcome): ClientAnswer {
  if (outcome.kind === 'result') {
    const { token } = outcome.result;
    return { verdict: 'success', ...(typeof token === 'string' && { token }) };
  }
  const { data, message } = outcome.error;
  if (message === SESSION_GONE) return notExecuted(SESSION_GONE);
  // The server's own errors have no `outcome`: the server has executed the call.
  const verdict = isJsonObject(data) ? data['outcome'] : 'executed';
  return { verdict: verdict === 'not_executed' || verdict === 'executed' ? verdict : 'unknown' };
}

function isOutcome(value: unknown): value is Outcome {
  if (!isJsonObject(value)) return false;
  return value['kind'] === 'result' ? isJsonObject(value['result']) : isJsonObject(value['error']);
}
