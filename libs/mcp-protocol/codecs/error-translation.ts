import { GatewayCode, RpcCode } from '../error-codes.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { RpcError } from '../json-rpc.js';
import type { Era } from '../neutral.js';

/**
 * Converts an error of a server of the other era to the codes of the client's era. Do not call it for a server of the
 * same era: the eras share -32602, and only its text identifies a missing resource.
 *
 * @param method the request that failed
 */
export function errorForEra(error: RpcError, era: Era, method: string): RpcError {
  return era === 'modern' ? forModern(error, method) : forLegacy(error, method);
}

function forModern(error: RpcError, method: string): RpcError {
  if (error.code === RpcCode.resourceNotFound && method === 'resources/read') {
    return { ...error, code: RpcCode.invalidParams };
  }
  if (error.code === RpcCode.urlElicitationRequired) {
    const data = { requiredCapabilities: { elicitation: { url: {} } } };
    return { code: RpcCode.missingClientCapability, message: error.message, data };
  }
  return error;
}

function forLegacy(error: RpcError, method: string): RpcError {
  switch (error.code) {
    case RpcCode.invalidParams:
      return method === 'resources/read' && isNotFound(error) ? { ...error, code: RpcCode.resourceNotFound } : error;
    case RpcCode.missingClientCapability:
      return notExecuted(
        `The server needs a capability that the client did not declare: ${readMissingCapabilities(error.data)}.`,
      );
    case RpcCode.unsupportedProtocolVersion:
      return notExecuted(`The server does not speak the protocol revision of this call.${readSupported(error.data)}`);
    case RpcCode.headerMismatch:
      return notExecuted('The server rejected the headers of this call: one is missing or has an unexpected value.');
    default:
      return error;
  }
}

/** The example of the specification names the resource in `data.uri`; other servers have it only in the message. */
function isNotFound({ message, data }: RpcError): boolean {
  return (isJsonObject(data) && typeof data['uri'] === 'string') || NOT_FOUND.test(message);
}

const NOT_FOUND = /\b(?:not found|unknown resource|no such resource|does not exist)\b/i;

function readMissingCapabilities(data: JsonValue | undefined): string {
  const required = isJsonObject(data) ? data['requiredCapabilities'] : undefined;
  const names = isJsonObject(required) ? capabilityNames(required) : [];
  return names.length === 0 ? 'the server does not name it' : names.slice(0, 10).join(', ').slice(0, 200);
}

/** Returns the names in a declaration of capabilities, with their parts: `elicitation.url`. */
export function capabilityNames(capabilities: JsonObject): string[] {
  return Object.entries(capabilities).flatMap(([name, declared]) => {
    const parts = isJsonObject(declared) ? Object.keys(declared) : [];
    return parts.length === 0 ? [name] : parts.map((part) => `${name}.${part}`);
  });
}

function readSupported(data: JsonValue | undefined): string {
  const supported = isJsonObject(data) && Array.isArray(data['supported']) ? data['supported'] : [];
  return supported.length === 0 ? '' : ` It speaks ${supported.slice(0, 10).map(String).join(', ').slice(0, 200)}.`;
}

function notExecuted(message: string): RpcError {
  return { code: GatewayCode.upstreamFailed, message, data: { outcome: 'not_executed', retriable: false } };
}
