import {
  capabilityOfQuestion,
  isJsonObject,
  mayRequireInput,
  type JsonObject,
  type JsonValue,
} from '#lib/mcp-protocol';

/** Why a question must not reach this client. `method` when the whole kind is out of question. */
export interface UndeclaredCapability {
  readonly what: 'method' | 'params';
  readonly message: string;
  /** The capabilities that it needs, as a client would declare them; absent for what is no question. */
  readonly needs?: JsonObject;
}

/**
 * A client is asked for nothing that it did not declare (client/elicitation, client/sampling, client/roots).
 * Undefined when it may be asked.
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

/** The part of its capability that a question needs. Forms are what elicitation is without any word about it. */
function requiredPart(method: string, params: JsonObject): { name: string; title: string } | undefined {
  if (method === 'sampling/createMessage') {
    return params['tools'] === undefined ? undefined : { name: 'tools', title: 'sampling with tools' };
  }
  if (method !== 'elicitation/create') return undefined;
  return params['mode'] === 'url'
    ? { name: 'url', title: 'elicitation by URL' }
    : { name: 'form', title: 'elicitation by form' };
}

/** A declaration without any mode is the one from before there were modes, and means forms. */
function isImpliedByLegacyDeclaration(part: string, declared: JsonObject): boolean {
  return part === 'form' && declared['form'] === undefined && declared['url'] === undefined;
}

/** What is wrong with a result that wants input; undefined when nothing is (basic/patterns/mrtr, Server Requirements). */
export function findInputRequestFault(
  method: string,
  result: JsonObject,
  capabilities: JsonObject,
): string | undefined {
  if (result['resultType'] !== 'input_required') return undefined;
  if (!mayRequireInput(method)) return `It wants input for ${method}`;
  const requests: JsonValue | undefined = result['inputRequests'];
  if (requests === undefined) {
    return typeof result['requestState'] === 'string' ? undefined : 'It wants input and says neither what nor how';
  }
  if (!isJsonObject(requests)) return 'Its input requests are malformed';
  for (const request of Object.values(requests)) {
    if (!isJsonObject(request) || typeof request['method'] !== 'string') return 'An input request is malformed';
    const params = isJsonObject(request['params']) ? request['params'] : {};
    const refusal = findUndeclaredCapability(request['method'], params, capabilities);
    if (refusal !== undefined) return refusal.message;
  }
  return undefined;
}
