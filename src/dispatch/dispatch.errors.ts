import { eraOfRevision, failure, GatewayCode, RpcCode, type ClientProfile, type Outcome } from '#lib/mcp-protocol';
import type { ItemReference, ItemRefusal } from '../gate/index.js';

const MAX_ECHO_LENGTH = 128;

/** Shortens text from a client for an error message. */
export function truncate(text: string): string {
  return text.length > MAX_ECHO_LENGTH ? `${text.slice(0, MAX_ECHO_LENGTH).toWellFormed()}…` : text;
}

/** `capability`: the one that the server would have to declare. */
export function methodNotFound(method: string, capability?: string): Outcome {
  const reason = capability === undefined ? '' : `. The server does not declare the capability ${capability}.`;
  return failure({ code: RpcCode.methodNotFound, message: `Method not found: ${truncate(method)}${reason}` });
}

export const invalidParams = (message: string): Outcome => failure({ code: RpcCode.invalidParams, message });

/** The error for a use that the gate refused. Names the item as the client did. */
export function toRefusalOutcome(
  { refusal, reason, server }: ItemRefusal,
  reference: ItemReference,
  client: ClientProfile,
): Outcome {
  if (refusal === 'malformed') return invalidParams(reason);
  if (refusal === 'denied') return deniedByPolicy(reason, server?.slug ?? '');
  return unknownItem(reference, client);
}

/** The endpoint has no such item for this caller. */
export function unknownItem({ kind, text }: ItemReference, client: ClientProfile): Outcome {
  if (kind === 'resources') return resourceNotFound(text, client);
  return invalidParams(`Unknown ${kind === 'tools' ? 'tool' : 'prompt'}: ${truncate(text)}`);
}

/** A policy denies this use of a visible item. The call was not executed. */
function deniedByPolicy(reason: string, server: string): Outcome {
  const data = { outcome: 'not_executed', retriable: false, httpStatus: 403, server };
  return failure({ code: GatewayCode.deniedByPolicy, message: `Denied. ${reason}`, data }, 403);
}

/**
 * The caller lost access to the item of its parked call. The caller knows the item from the start of the call, so the message
 * reveals nothing new.
 */
export function deniedAfterStart(reason: string): Outcome {
  const data = { outcome: 'unknown', retriable: false, httpStatus: 403 };
  const message = `Denied. ${reason} The parked call was cancelled; whether it had an effect before is unknown.`;
  return failure({ code: GatewayCode.deniedByPolicy, message, data }, 403);
}

/** The definition of the tool differs from the approved one. The call was not executed. */
export function definitionChanged(server: string): Outcome {
  const data = { outcome: 'not_executed', retriable: false, httpStatus: 409, server };
  const message =
    'The server changed the definition of this tool. It is quarantined until an admin approves the new definition.';
  return failure({ code: GatewayCode.toolDefinitionChanged, message, data }, 409);
}

/** A server did not answer a list, handshake or subscription request in time. */
export function upstreamTimedOut(server: string): Extract<Outcome, { kind: 'error' }> {
  const data = { outcome: 'unknown', retriable: true, server };
  const message = 'The upstream did not answer in time. Retry later.';
  return { kind: 'error', error: { code: GatewayCode.outcomeUnknown, message, data }, httpStatus: 504 };
}

/** No server of the endpoint has this resource. Each era has its own error code. */
function resourceNotFound(uri: string, client: ClientProfile): Outcome {
  const code = eraOfRevision(client.revision) === 'modern' ? RpcCode.invalidParams : RpcCode.resourceNotFound;
  return failure({ code, message: `Resource not found: ${truncate(uri)}`, data: { uri: truncate(uri) } });
}
