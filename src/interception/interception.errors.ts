import { GatewayError, OutcomeError } from '#lib/extension-kit';
import {
  eraOfRevision,
  failure,
  GatewayCode,
  isJsonObject,
  RpcCode,
  toFaultOutcome,
  type ClientProfile,
  type ExecutionOutcome,
  type JsonObject,
  type Outcome,
} from '#lib/mcp-protocol';
import { copyJsonObject, freezeDeeply } from './json-copy.js';

type FailedOutcome = Extract<Outcome, { kind: 'error' }>;

/** A refusal whose message says whether the call was executed, which only the gateway knows. */
export abstract class StatedRefusal extends GatewayError {
  /** Returns the refusal of a call with this outcome. */
  abstract stating(outcome: ExecutionOutcome): GatewayError;
}

/** What an error says about the call. */
export const STATE_OF_CALL: Readonly<Record<ExecutionOutcome, string>> = {
  not_executed: 'The call was not executed.',
  executed: 'The call was executed; its result is withheld.',
  unknown: 'Whether the call was executed is unknown; check before you repeat it.',
};

/** An interceptor failed: the client learns which one, and not why. */
export function extensionFailed(name: string, outcome: ExecutionOutcome): OutcomeError {
  const message = `The extension ${name} of the gateway failed. ${STATE_OF_CALL[outcome]}`;
  return toError(failure({ code: RpcCode.internalError, message, data: { outcome, retriable: false } }, 500));
}

/**
 * The error with which an interceptor refuses a call. The gateway states itself whether the call was executed, whatever the error
 * says. Undefined for an error that has no form as an answer.
 */
export function toRefusal(refusal: GatewayError, outcome: ExecutionOutcome): OutcomeError | undefined {
  try {
    const stating = refusal instanceof StatedRefusal ? refusal.stating(outcome) : refusal;
    const { code, message, data } = stating.toRpcError();
    if (!Number.isInteger(code) || typeof message !== 'string') return undefined;
    const given = isJsonObject(data) ? copyJsonObject(data) : {};
    const { retryAfterMs, ...rest } = given;
    const mayRetry = outcome === 'not_executed';
    const stated: JsonObject = {
      ...rest,
      ...(mayRetry && retryAfterMs !== undefined && { retryAfterMs }),
      outcome,
      retriable: mayRetry && given['retriable'] === true,
    };
    return toError(failure({ code, message, data: stated }, toStatus(refusal.httpStatus)));
  } catch {
    return undefined;
  }
}

const toStatus = (status: unknown): number =>
  typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599 ? status : 500;

/** The client was asked for input and repeats its call. The request ends so, whatever the interceptors do. */
export class InputRequested extends GatewayError {
  constructor() {
    const message = 'The client is asked for input and repeats its call with the answers.';
    super(GatewayCode.outcomeUnknown, message, 504, { outcome: 'unknown', retriable: false });
  }
}

/** An interceptor broke its contract. The message is for operators. */
export class ContractBroken extends Error {
  override readonly name = 'ContractBroken';
}

/** An extension used the call against its contract. Rejects what the extension requested. The message is for operators. */
export class Misuse extends GatewayError {
  /** @param reason continues "The extension broke its contract:" */
  constructor(readonly reason: string) {
    const message = `The extension broke its contract: ${reason}.`;
    super(RpcCode.internalError, message, 500, { outcome: 'unknown', retriable: false });
  }
}

/** The client cannot be asked. */
export class CallerCannotBeAsked extends GatewayError {
  constructor({ revision }: ClientProfile, outcome: ExecutionOutcome) {
    const message =
      `The gateway must ask you about this call, and this client cannot answer questions. ${STATE_OF_CALL[outcome]} ` +
      'Use a client that supports elicitation.';
    const requiredCapabilities = { elicitation: { form: {} } };
    const isModern = eraOfRevision(revision) === 'modern';
    // Clients of the legacy era do not know the code.
    const [code, status] = isModern ? [RpcCode.missingClientCapability, 400] : [GatewayCode.deniedByPolicy, 403];
    super(code, message, status, { outcome, retriable: false, requiredCapabilities });
  }
}

/** The client did not answer the question of an interceptor, or not with a valid answer. */
export class CallerDidNotAnswer extends GatewayError {
  constructor(reason: string, outcome: ExecutionOutcome) {
    const mayRepeat = outcome === 'not_executed';
    const advice = mayRepeat ? 'Repeat the call to be asked again.' : STATE_OF_CALL[outcome];
    const message = `The gateway asked you about this call, and ${reason}. ${advice}`;
    super(GatewayCode.deniedByPolicy, message, 403, { outcome, retriable: mayRepeat });
  }
}

/** No admin has approved a call that needs an admin. */
export class NotApproved extends StatedRefusal {
  /** @param reason continues "The call needs the approval of an admin, and" */
  constructor(
    private readonly reason: string,
    outcome: ExecutionOutcome = 'not_executed',
  ) {
    const retriable = outcome === 'not_executed';
    const advice = retriable ? ' Repeat it to ask again.' : '';
    const message = `The call needs the approval of an admin, and ${reason}. ${STATE_OF_CALL[outcome]}${advice}`;
    super(GatewayCode.deniedByPolicy, message, 403, { outcome, retriable });
  }

  override stating(outcome: ExecutionOutcome): NotApproved {
    return new NotApproved(this.reason, outcome);
  }
}

/** An earlier repetition of the request has used the approval, or the same call of this caller. */
export class ApprovalUsed extends GatewayError {
  constructor() {
    const message =
      'The approval that this request waited for was used before; it counts for one call. Whether the call was executed then is ' +
      'unknown: check before you repeat it without the state, to ask again.';
    super(RpcCode.invalidParams, message, 400, { outcome: 'unknown', retriable: false });
  }
}

/** The client has left, or has cancelled the call. */
export const callCancelled = (begun: ExecutionOutcome): OutcomeError =>
  toError(
    begun === 'not_executed' ? toFaultOutcome('refused', 'cancelled before it was sent') : toFaultOutcome('aborted'),
  );

/** Interceptors see the error, and must not change what it says. */
export const toError = (outcome: Outcome): OutcomeError =>
  Object.freeze(new OutcomeError(freezeDeeply(outcome) as FailedOutcome));
