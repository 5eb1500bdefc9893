import {
  capabilityOfQuestion,
  isJsonObject,
  canRequireInput,
  requiresInput,
  type JsonObject,
  type JsonValue,
} from '#lib/mcp-protocol';

/** Why a question must not reach this client. `method`: the client supports no question of this kind. */
export interface UndeclaredCapability {
  readonly what: 'method' | 'params';
  readonly message: string;
  /** The required capabilities, in the form of a client's declaration; absent when the method is not a question. */
  readonly needs?: JsonObject;
}

/**
 * Questions must not use capabilities that the client did not declare (client/elicitation, client/sampling,
 * client/roots). Returns undefined when the question is allowed.
 */
export function findUndeclaredCapability(
  method: string,
  params: JsonObject,
  capabilities: JsonObject,
): UndeclaredCapability | undefined {
  const capability = capabilityOfQuestion(method);
  if (capability === undefined) return { what: 'method', message: 'Method not found' };
  const declared = capabilities[capability];
  const part = requiredPart(method, params);
  if (!isJsonObject(declared)) {
    const needs = { [capability]: part ? { [part.name]: {} } : {} };
    return { what: 'method', message: `The client did not declare ${capability}`, needs };
  }
  if (part === undefined || isJsonObject(declared[part.name]) || isImpliedByLegacyDeclaration(part.name, declared))
    return undefined;
  return {
    what: 'params',
    message: `The client did not declare ${part.title}`,
    needs: { [capability]: { [part.name]: {} } },
  };
}

/** Returns the sub-capability that a question requires. An elicitation without a mode is a form. */
function requiredPart(method: string, params: JsonObject): { name: string; title: string } | undefined {
  if (method === 'sampling/createMessage') {
    return params['tools'] === undefined ? undefined : { name: 'tools', title: 'sampling with tools' };
  }
  if (method !== 'elicitation/create') return undefined;
  return params['mode'] === 'url'
    ? { name: 'url', title: 'elicitation by URL' }
    : { name: 'form', title: 'elicitation by form' };
}

/** A declaration without modes predates the modes and means forms. */
function isImpliedByLegacyDeclaration(part: string, declared: JsonObject): boolean {
  return part === 'form' && declared['form'] === undefined && declared['url'] === undefined;
}

/**
 * Returns the fault of an `input_required` result, or undefined when it is valid (basic/patterns/mrtr, Server
 * Requirements).
 */
export function findInputRequestFault(
  method: string,
  result: JsonObject,
  capabilities: JsonObject,
): string | undefined {
  if (!requiresInput(result)) return undefined;
  if (!canRequireInput(method)) return `the result requires input for ${method}`;
  const requests: JsonValue | undefined = result['inputRequests'];
  if (requests === undefined) {
    return typeof result['requestState'] === 'string'
      ? undefined
      : 'the result requires input but has neither inputRequests nor requestState';
  }
  if (!isJsonObject(requests)) return 'its input requests are malformed';
  for (const request of Object.values(requests)) {
    if (!isJsonObject(request) || typeof request['method'] !== 'string') return 'an input request is malformed';
    const params = isJsonObject(request['params']) ? request['params'] : {};
    const refusal = findUndeclaredCapability(request['method'], params, capabilities);
    if (refusal !== undefined) return refusal.message;
  }
  return undefined;
}
