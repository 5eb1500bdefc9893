import { OutcomeError } from '#lib/extension-kit';
import { result, type Outcome } from '#lib/mcp-protocol';
import { GATEWAY_CLIENT, GATEWAY_IDENTITY } from './gateway-identity.js';
import type { UpstreamConnection } from './upstream-connection.js';

type FailedOutcome = Extract<Outcome, { kind: 'error' }>;

const NO_REPLY = {
  notify: () => undefined,
  answerQuestion: () => Promise.reject(new Error('A ping cannot answer questions.')),
};

/**
 * Asks a server whether it still answers, in the way of its era: `ping`, or `server/discover`, which has replaced it. Never
 * rejects. A process that waits for the answer of a client cannot answer meanwhile, and counts as alive.
 */
export async function pingServer(connection: UpstreamConnection, signal: AbortSignal): Promise<Outcome> {
  if (connection.blockingCall?.() !== undefined) return result({});
  if (connection.readProfile) return readAgain(connection.readProfile());
  const method = connection.profile.era === 'legacy' ? 'ping' : 'server/discover';
  const request = { method, params: {}, client: GATEWAY_CLIENT, asker: GATEWAY_IDENTITY };
  return connection.request(request, NO_REPLY, signal);
}

/** True if the gateway could not reach the server. An error that the server itself sent is an answer and has no status. */
export const isUnreachable = (outcome: Outcome): outcome is FailedOutcome =>
  outcome.kind === 'error' && outcome.httpStatus !== undefined;

async function readAgain(profile: Promise<unknown>): Promise<Outcome> {
  try {
    await profile;
    return result({});
  } catch (cause) {
    if (cause instanceof OutcomeError) return cause.outcome;
    throw cause;
  }
}
