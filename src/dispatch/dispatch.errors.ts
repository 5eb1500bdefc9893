import { eraOfRevision, failure, RpcCode, type ClientProfile, type Outcome } from '#lib/mcp-protocol';

export const methodNotFound = (method: string): Outcome =>
  failure({ code: RpcCode.methodNotFound, message: `Method not found: ${method}` });

export const invalidParams = (message: string): Outcome => failure({ code: RpcCode.invalidParams, message });

/** A resource that no server behind the endpoint can have; each era has its own code for it. */
export function resourceNotFound(uri: string, client: ClientProfile): Outcome {
  const code = eraOfRevision(client.revision) === 'modern' ? RpcCode.invalidParams : RpcCode.resourceNotFound;
  return failure({ code, message: `Resource not found: ${uri}`, data: { uri } });
}
