import { isJsonObject, type JsonObject, type McpRequest } from '#lib/mcp-protocol';

const NO_ARGUMENTS: JsonObject = {};

/** The arguments of a request as interceptors see them: those of a completion are its parameters `argument` and `context`. */
export function readArguments({ method, params }: McpRequest): JsonObject {
  if (method === 'completion/complete') {
    const { argument, context } = params;
    return { ...(argument !== undefined && { argument }), ...(context !== undefined && { context }) };
  }
  const { arguments: args } = params;
  return method !== 'resources/read' && isJsonObject(args) ? args : NO_ARGUMENTS;
}

/** Returns the request with other arguments, of a tool, a prompt or a completion. */
export function withArguments(request: McpRequest, args: JsonObject): McpRequest {
  if (request.method !== 'completion/complete') return { ...request, params: { ...request.params, arguments: args } };
  const { argument: _argument, context: _context, ...params } = request.params;
  const { argument, context } = args;
  const changed = { ...(argument !== undefined && { argument }), ...(context !== undefined && { context }) };
  return { ...request, params: { ...params, ...changed } };
}
