import { capabilityOfQuestion, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** Why a question must not reach this client. `method` when the whole kind is out of question. */
export interface Undeclared {
  readonly what: 'method' | 'params';
  readonly message: string;
}

/**
 * A client is asked for nothing that it did not declare (client/elicitation, client/sampling, client/roots).
 * Undefined when it may be asked.
 */
export function undeclared(method: string, params: JsonObject, capabilities: JsonObject): Undeclared | undefined {
  const capability = capabilityOfQuestion(method);
  if (capability === undefined) return { what: 'method', message: 'Method not found' };
  const declared = capabilities[capability];
  if (!isJsonObject(declared)) return { what: 'method', message: `The client did not declare ${capability}` };
  const missing = missingPart(method, params, declared);
  return missing === undefined ? undefined : { what: 'params', message: `The client did not declare ${missing}` };
}

function missingPart(method: string, params: JsonObject, declared: JsonObject): string | undefined {
  if (method === 'sampling/createMessage') {
    return params['tools'] === undefined || isJsonObject(declared['tools']) ? undefined : 'sampling with tools';
  }
  if (method !== 'elicitation/create') return undefined;
  // A declaration without any mode is the one from before there were modes, and means forms.
  const isPlain = declared['form'] === undefined && declared['url'] === undefined;
  const isUrl = params['mode'] === 'url';
  if (isUrl) return isJsonObject(declared['url']) ? undefined : 'elicitation by URL';
  return isPlain || isJsonObject(declared['form']) ? undefined : 'elicitation by form';
}

/** What a modern server asks in a result that wants input, and must not (basic/patterns/mrtr). */
export function undeclaredInput(result: JsonObject, capabilities: JsonObject): string | undefined {
  if (result['resultType'] !== 'input_required') return undefined;
  const requests: JsonValue | undefined = result['inputRequests'];
  if (!isJsonObject(requests)) return undefined;
  for (const request of Object.values(requests)) {
    if (!isJsonObject(request) || typeof request['method'] !== 'string') return 'An input request is malformed';
    const params = isJsonObject(request['params']) ? request['params'] : {};
    const refusal = undeclared(request['method'], params, capabilities);
    if (refusal !== undefined) return refusal.message;
  }
  return undefined;
}
