import { GatewayError, OutcomeError, type GatewayErrorData } from '#lib/extension-kit';
import { errorForEra } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';

/** Maps errors of our own handshake: error codes about its version or headers do not concern the client's request. */
export function mapHandshakeErrors<T>({ slug }: ServerDefinition, handshake: Promise<T>): Promise<T> {
  return handshake.catch((cause: unknown) => {
    if (!(cause instanceof OutcomeError)) throw cause;
    const error = errorForEra(cause.outcome.error, 'legacy', 'initialize');
    if (error === cause.outcome.error) throw cause;
    const { code, message, data } = error;
    throw new GatewayError(code, message, 502, { ...(data as unknown as GatewayErrorData), server: slug });
  });
}
