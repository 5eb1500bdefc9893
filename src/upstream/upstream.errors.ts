import { failure, GatewayCode, toFaultOutcome, type Era, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { OutcomeError } from '#lib/extension-kit';

type FailedOutcome = Extract<Outcome, { kind: 'error' }>;

/** The server of a connection, as errors name it. */
export interface NamedServer {
  /** The slug of the server. */
  readonly server: string;
  /** Returns a text without the credentials of the server's entry. Absent where no text of the server can occur. */
  readonly hideSecrets?: (text: string) => string;
}

/**
 * Adds the server's slug to an error that the gateway created, and hides the credentials of its entry: a server may repeat in a
 * refusal what it received. Results and a server's own errors stay unchanged; only errors of the gateway have an HTTP status.
 */
export function withServer(
  outcome: Outcome,
  { server, hideSecrets = unchanged }: NamedServer,
  more?: JsonObject,
): Outcome {
  if (outcome.kind === 'result' || outcome.httpStatus === undefined || outcome === BLOCKED_BY_QUESTION) return outcome;
  const { error } = outcome;
  const data = { ...(error.data as JsonObject | undefined), server, ...more };
  const named = { ...outcome, error: { ...error, message: hideSecrets(error.message), data } };
  return needsNewConnection(outcome) ? onNewConnection(named) : named;
}

const unchanged = (text: string): string => text;

/**
 * Outcomes of requests that certainly did not run because their connection had ended. They are compared by identity: an equal
 * outcome could come from a server.
 */
const ENDED_CONNECTION = new WeakSet<Outcome>();

/** Returns whether the request did not run because its connection had ended, so that it may be sent over a new one. */
export const needsNewConnection = (outcome: Outcome): boolean => ENDED_CONNECTION.has(outcome);

/** Marks an outcome: the request certainly did not run, and a new connection may serve it. */
export function onNewConnection(outcome: Outcome): Outcome {
  ENDED_CONNECTION.add(outcome);
  return outcome;
}

/** Converts a failed outcome to an error. A result here is a defect of the gateway and becomes -32603. */
export function toOutcomeError(outcome: Outcome): OutcomeError {
  if (outcome.kind === 'error') return new OutcomeError(outcome);
  return new OutcomeError(
    failure({ code: -32603, message: 'Internal error: a result was treated as a failure' }) as FailedOutcome,
  );
}

/**
 * Marks a failure that precedes the call, such as a failed handshake, as `not_executed`: the call itself was never
 * sent. Hides the credentials of the server's entry. A server's own error stays unchanged.
 */
export function toNotExecuted(error: unknown, hideSecrets: (text: string) => string): unknown {
  if (!(error instanceof OutcomeError) || error.outcome.httpStatus === undefined) return error;
  const { code, data } = error.outcome.error;
  const message = hideSecrets(error.outcome.error.message);
  const isTimeout = code === GatewayCode.outcomeUnknown;
  const notExecutedData = { ...(data as JsonObject | undefined), outcome: 'not_executed' };
  return toOutcomeError(
    isTimeout
      ? failure({ code: GatewayCode.upstreamFailed, message, data: { ...notExecutedData, retriable: true } }, 502)
      : failure({ code, message, data: notExecutedData }, error.outcome.httpStatus),
  );
}

/**
 * The outcome of a call that would have to wait until the client of another call answers a question. The call was not
 * sent, and may use another connection. Compare by identity: an equal outcome could come from a server.
 */
export const BLOCKED_BY_QUESTION = {
  kind: 'error',
  httpStatus: 503,
  error: {
    code: GatewayCode.overloaded,
    message: 'Another call at this server waits for the answer of its client. The call was not executed; retry later.',
    data: { outcome: 'not_executed', retriable: true },
  },
} as const satisfies Outcome;

/** The connection is closed. A new connection may serve the call. */
export const connectionClosed = (server: string, why: string): Outcome =>
  onNewConnection(
    notExecuted(
      server,
      GatewayCode.upstreamFailed,
      502,
      `The connection to the upstream is closed (${why}). The call was not executed; retry.`,
    ),
  );

/** The server no longer knows the session. The call did not run; a new session may serve it. */
export const sessionLost = (server: string): Outcome =>
  onNewConnection(
    notExecuted(
      server,
      GatewayCode.upstreamFailed,
      502,
      'The upstream ended the session. The call was not executed; retry to start a new session.',
    ),
  );

/** The operator's schema of a tool cannot be compiled. The caller cannot correct it, and a repetition fails in the same way. */
export const unusableSchema = (server: string, tool: string, fault: string): Outcome =>
  failure(
    {
      code: GatewayCode.upstreamFailed,
      message: `The input schema of the tool ${tool} ${fault} The call was not executed; its operator must correct the schema.`,
      data: { outcome: 'not_executed', retriable: false, server },
    },
    502,
  );

/** The limit of running and waiting calls at one server is reached. */
export const tooManyCalls = (server: string): Outcome =>
  notExecuted(
    server,
    GatewayCode.overloaded,
    503,
    'Too many calls are running at this upstream. The call was not executed; retry later.',
  );

/**
 * The child process ended, and its next start is delayed. The message is that of the failed start, so that one fault has
 * one text whether a call arrives during the delay or after it.
 */
export const restartPending = (
  server: string,
  { remainingMs, reason }: { remainingMs: number; reason: string },
): Outcome => withServer(toFaultOutcome('refused', reason), { server }, { retryAfterMs: remainingMs });

/** The server violated the protocol in a way that only the dialect detects. */
export function protocolViolation(server: string, what: string): Outcome {
  const data = { outcome: 'unknown', retriable: false, server };
  const message = `Upstream broke the protocol: ${what}.`;
  return failure({ code: GatewayCode.upstreamBrokeProtocol, message, data }, 502);
}

/** The server supports no revision that the gateway supports. A retry cannot succeed. */
export function noSharedRevision(server: string, offered: readonly string[]): Outcome {
  const data = { outcome: 'not_executed', retriable: false, server };
  const list = offered.slice(0, 10).join(', ').slice(0, 100);
  const message = `The upstream supports none of the gateway's protocol revisions. It offers: ${list === '' ? 'none' : list}.`;
  return failure({ code: GatewayCode.upstreamFailed, message, data }, 502);
}

/** The extension that connects servers of this kind is not loaded. A retry cannot succeed until an operator acts. */
export function notLoaded(server: string, kind: string): Outcome {
  const data = { outcome: 'not_executed', retriable: false, server };
  const message = `No extension is loaded that connects to servers of the kind "${kind}". The call was not executed.`;
  return failure({ code: GatewayCode.upstreamFailed, message, data }, 502);
}

/** The entry of the server requires an era that the server does not speak. */
export function otherEra(server: string, required: Era): Outcome {
  const data = { outcome: 'not_executed', retriable: false, server };
  const message = `The upstream does not speak the ${required} era, which its entry requires.`;
  return failure({ code: GatewayCode.upstreamFailed, message, data }, 502);
}

function notExecuted(server: string, code: number, status: number, message: string): Outcome {
  const data = { outcome: 'not_executed', retriable: true, server };
  return failure({ code, message, data }, status);
}
