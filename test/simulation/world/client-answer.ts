import { isJsonObject, RpcCode, type Outcome } from '#lib/mcp-protocol';
import type { BusEnd } from '#lib/worker-bus';
import type { TimedAnswer } from './run-log.js';

/** What a client is told, but for the time. */
export type ClientAnswer = Omit<TimedAnswer, 'time'>;

/** Why there is no session any more; also the reason of the owner's refusal. */
export const SESSION_GONE = 'session_gone';
/** The session has as many calls under way as it may. */
export const OVERLOADED = 'overloaded';

export const notExecuted = (why: string): ClientAnswer => ({ verdict: 'not_executed', why });
export const unknown = (why: string): ClientAnswer => ({ verdict: 'unknown', why });

/** The answer of an owner whose session has ended since it let the call in. */
export const ENDED: Outcome = {
  kind: 'error',
  error: { code: RpcCode.invalidRequest, message: SESSION_GONE },
  httpStatus: 404,
};

/** What the end of a forwarded call means to the client. */
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

/** What the outcome of a call that ran here means to the client. */
export function outcomeToClientAnswer(outcome: Outcome): ClientAnswer {
  if (outcome.kind === 'result') {
    const { token } = outcome.result;
    return { verdict: 'success', ...(typeof token === 'string' && { token }) };
  }
  const { data, message } = outcome.error;
  if (message === SESSION_GONE) return notExecuted(SESSION_GONE);
  // An error of the server's own says nothing of its running in our words.
  const said = isJsonObject(data) ? data['outcome'] : 'executed';
  return { verdict: said === 'not_executed' || said === 'executed' ? said : 'unknown' };
}

function isOutcome(value: unknown): value is Outcome {
  if (!isJsonObject(value)) return false;
  return value['kind'] === 'result' ? isJsonObject(value['result']) : isJsonObject(value['error']);
}
