import { eraOfRevision, failure, GatewayCode, RpcCode, type ClientProfile, type Outcome } from '#lib/mcp-protocol';

const MAX_ECHO_LENGTH = 128;

/** A client's own words as they may be said back: enough to recognize them. */
export function truncate(text: string): string {
  return text.length > MAX_ECHO_LENGTH ? `${text.slice(0, MAX_ECHO_LENGTH).toWellFormed()}…` : text;
}

export const methodNotFound = (method: string): Outcome =>
  failure({ code: RpcCode.methodNotFound, message: `Method not found: ${truncate(method)}` });

export const invalidParams = (message: string): Outcome => failure({ code: RpcCode.invalidParams, message });

/** An item that the caller can see, and may not use so. Nothing was run. */
export function deniedByPolicy(reason: string, server: string): Outcome {
  const data = { outcome: 'not_executed', retriable: false, httpStatus: 403, server };
  return failure({ code: GatewayCode.deniedByPolicy, message: `Denied. ${reason}`, data }, 403);
}

/**
 * A call that had begun, and that its caller may not go on with. Who brings its state has seen the item: that it is closed
 * now gives nothing away.
 */
export function deniedAfterStart(reason: string): Outcome {
  const data = { outcome: 'unknown', retriable: false, httpStatus: 403 };
  const message = `Denied. ${reason} The call that waited for these answers was given up; what it did before is not known.`;
  return failure({ code: GatewayCode.deniedByPolicy, message, data }, 403);
}

/** A tool whose definition is not the one that was approved. Nothing was run. */
export function definitionChanged(server: string): Outcome {
  const data = { outcome: 'not_executed', retriable: false, httpStatus: 409, server };
  const message =
    'The server has changed the definition of this tool; it is kept back until somebody has approved that.';
  return failure({ code: GatewayCode.toolDefinitionChanged, message, data }, 409);
}

/** A server that is not waited for any longer; nothing was run but the question what it offers. */
export function upstreamTimedOut(server: string): Extract<Outcome, { kind: 'error' }> {
  const data = { outcome: 'unknown', retriable: true, server };
  const message = 'The upstream did not answer in time';
  return { kind: 'error', error: { code: GatewayCode.outcomeUnknown, message, data }, httpStatus: 504 };
}

/** A resource that no server behind the endpoint can have; each era has its own code for it. */
export function resourceNotFound(uri: string, client: ClientProfile): Outcome {
  const code = eraOfRevision(client.revision) === 'modern' ? RpcCode.invalidParams : RpcCode.resourceNotFound;
  return failure({ code, message: `Resource not found: ${truncate(uri)}`, data: { uri: truncate(uri) } });
}
