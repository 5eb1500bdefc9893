import { failure, GatewayCode, outcomeOfFault, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { OutcomeError } from '#lib/extension-kit';

type Failed = Extract<Outcome, { kind: 'error' }>;

/**
 * Names the server in an error of our own making. A server's error and a result pass as they are: only our own
 * errors carry a status.
 */
export function named(outcome: Outcome, server: string, more?: JsonObject): Outcome {
  if (outcome.kind === 'result' || outcome.httpStatus === undefined) return outcome;
  const data = { ...(outcome.error.data as JsonObject | undefined), server, ...more };
  return { ...outcome, error: { ...outcome.error, data } };
}

/** Makes an outcome that failed throwable. A result here is a mistake of ours and says so. */
export function thrown(outcome: Outcome): OutcomeError {
  if (outcome.kind === 'error') return new OutcomeError(outcome);
  return new OutcomeError(failure({ code: -32603, message: 'A result was taken for a failure' }) as Failed);
}

/**
 * What failed came before any call: whatever became of the handshake, the call itself never left. Errors of our own
 * say so; a server's error passes as it is.
 */
export function beforeAnyCall(error: unknown): unknown {
  if (!(error instanceof OutcomeError) || error.outcome.httpStatus === undefined) return error;
  const { code, message, data } = error.outcome.error;
  const isSilence = code === GatewayCode.outcomeUnknown;
  const told = { ...(data as JsonObject | undefined), outcome: 'not_executed' };
  return thrown(
    isSilence
      ? failure({ code: GatewayCode.upstreamFailed, message, data: { ...told, retriable: true } }, 502)
      : failure({ code, message, data: told }, error.outcome.httpStatus),
  );
}

/** The connection is closed; another one may serve the call. */
export const connectionClosed = (server: string, why: string): Outcome =>
  refused(server, GatewayCode.upstreamFailed, 502, `The connection to the upstream is closed: ${why}`);

/** The server does not know our session any more. The call did not run; a new session may serve it. */
export const sessionLost = (server: string): Outcome =>
  refused(server, GatewayCode.upstreamFailed, 502, 'The upstream ended the session; call again to start a new one');

/** More calls at one server than the gateway lets wait. */
export const tooManyCalls = (server: string): Outcome =>
  refused(server, GatewayCode.overloaded, 503, 'Too many calls are running at this upstream; call again later');

/**
 * The child process ended and is not started before the time is over. Its message is that of the failed start itself:
 * whether a caller comes before or after the end of the pause must not make two faults of one.
 */
export const restartPending = (
  server: string,
  { remainingMs, reason }: { remainingMs: number; reason: string },
): Outcome => named(outcomeOfFault('refused', reason), server, { retryAfterMs: remainingMs });

/** The server broke the protocol in a way that only the dialect can see. */
export function brokeProtocol(server: string, what: string): Outcome {
  const data = { outcome: 'unknown', retriable: false, server };
  const message = `Upstream broke the protocol: ${what}.`;
  return failure({ code: GatewayCode.upstreamBrokeProtocol, message, data }, 502);
}

/** The server speaks revisions that the gateway does not. Trying again changes nothing. */
export function noSharedRevision(server: string, offered: readonly string[]): Outcome {
  const data = { outcome: 'not_executed', retriable: false, server };
  const list = offered.slice(0, 10).join(', ').slice(0, 100);
  const message = `The upstream speaks none of our protocol revisions, but ${list === '' ? 'names none' : list}`;
  return failure({ code: GatewayCode.upstreamFailed, message, data }, 502);
}

function refused(server: string, code: number, status: number, message: string): Outcome {
  const data = { outcome: 'not_executed', retriable: true, server };
  return failure({ code, message, data }, status);
}
