import { eraOfRevision, failure, GatewayCode, RpcCode, type ClientProfile, type Outcome } from '#lib/mcp-protocol';

const LONGEST_ECHO = 128;

/** A client's own words as they may be said back: enough to recognize them. */
export function clipped(text: string): string {
  return text.length > LONGEST_ECHO ? `${text.slice(0, LONGEST_ECHO).toWellFormed()}…` : text;
}

export const methodNotFound = (method: string): Outcome =>
  failure({ code: RpcCode.methodNotFound, message: `Method not found: ${clipped(method)}` });

export const invalidParams = (message: string): Outcome => failure({ code: RpcCode.invalidParams, message });

/** A server that is not waited for any longer; nothing was run but the question what it offers. */
export function noAnswerInTime(server: string): Extract<Outcome, { kind: 'error' }> {
  const data = { outcome: 'unknown', retriable: true, server };
  const message = 'The upstream did not answer in time';
  return { kind: 'error', error: { code: GatewayCode.outcomeUnknown, message, data }, httpStatus: 504 };
}

/** A resource that no server behind the endpoint can have; each era has its own code for it. */
export function resourceNotFound(uri: string, client: ClientProfile): Outcome {
  const code = eraOfRevision(client.revision) === 'modern' ? RpcCode.invalidParams : RpcCode.resourceNotFound;
  return failure({ code, message: `Resource not found: ${clipped(uri)}`, data: { uri: clipped(uri) } });
}
