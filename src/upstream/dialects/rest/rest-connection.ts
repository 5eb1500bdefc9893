import { PRODUCT } from '#lib/extension-kit';
import {
  failure,
  isListMethod,
  LATEST_MODERN_REVISION,
  LIST_MEMBERS,
  META,
  MODERN_REVISIONS,
  toFaultOutcome,
  result,
  RpcCode,
  type JsonObject,
  type McpNotification,
  type Outcome,
} from '#lib/mcp-protocol';
import { parseJsonPath, type RestServer, type RestTool } from '../../../registry/index.js';
import type { ToolResultMapping } from './rest-response.js';
import {
  DELIVERED,
  type ChangeFilter,
  type UpstreamSubscription,
  type ServerProfile,
  type UpstreamConnection,
  type UpstreamReply,
  type UpstreamRequest,
} from '../../upstream-connection.js';
import { connectionClosed, tooManyCalls, unusableSchema } from '../../upstream.errors.js';
import type { CallContext } from '../in-flight-call.js';
import { Destinations, type RestChannels } from './destinations.js';
import { withTraceHeader } from '../trace-header.js';
import { RestCall } from './rest-call.js';
import { ArgumentFault, UnusableSchema } from './argument-fault.js';
import { composeRequest, type RestRequest } from './rest-request.js';

/**
 * Presents plain HTTP endpoints as a modern server with tools. A tool call is one HTTP request, sent once; the
 * connection answers every other method itself.
 */
export class RestConnection implements UpstreamConnection {
  readonly profile: ServerProfile;
  private readonly tools: ReadonlyMap<string, RestTool>;
  private readonly destinations: Destinations;
  private lastId = 0;
  private isClosed = false;

  constructor(
    channels: RestChannels,
    definition: RestServer,
    private readonly context: CallContext,
  ) {
    const { slug, title, tools } = definition;
    const serverInfo = { name: slug, version: PRODUCT.version, ...(title !== undefined && { title }) };
    // Tools change with the configuration only; subscribers are notified when the connection is replaced.
    const capabilities = { tools: { listChanged: true } };
    this.profile = { era: 'modern', revision: LATEST_MODERN_REVISION, capabilities, serverInfo };
    this.tools = new Map(tools.map((tool) => [tool.name, tool]));
    this.destinations = new Destinations(channels, tools);
  }

  get closed(): boolean {
    return this.isClosed;
  }

  request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    if (this.isClosed) return Promise.resolve(connectionClosed(this.context.server, 'it was closed'));
    if (signal.aborted) return Promise.resolve(toFaultOutcome('refused', 'cancelled before it was sent'));
    if (request.method === 'tools/call') return this.call(request, reply, signal);
    return Promise.resolve(this.answer(request.method));
  }

  async notify(_notification: McpNotification): Promise<Outcome> {
    return DELIVERED;
  }

  async subscribe(filter: ChangeFilter): Promise<UpstreamSubscription> {
    return { honoured: filter.toolsListChanged === true ? { toolsListChanged: true } : {}, close: async () => {} };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.destinations.release();
  }

  private answer(method: string): Outcome {
    if (method === 'tools/list') return result({ tools: Array.from(this.tools.values(), toListedTool) });
    if (isListMethod(method)) return result({ [LIST_MEMBERS[method]]: [] });
    if (method === 'ping') return result({});
    if (method === 'server/discover') return result(this.discovery());
    return failure({ code: RpcCode.methodNotFound, message: truncate(`Method not found: ${method}`) });
  }

  private discovery(): JsonObject {
    const { capabilities, serverInfo } = this.profile;
    return { supportedVersions: [...MODERN_REVISIONS], capabilities, _meta: { [META.serverInfo]: serverInfo } };
  }

  private call(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    const { name, arguments: given } = request.params;
    if (typeof name !== 'string') return invalid('params.name must be a string.');
    const tool = this.tools.get(name);
    if (tool === undefined) return invalid(`Unknown tool: ${name}`);
    const { channel, base, headers, configured } = this.destinations.of(tool);
    let composed: RestRequest;
    try {
      composed = composeRequest(base, tool, given, configured);
    } catch (fault) {
      if (fault instanceof ArgumentFault) return invalid(fault.message);
      if (fault instanceof UnusableSchema) {
        return Promise.resolve(unusableSchema(this.context.server, name, fault.message));
      }
      throw fault;
    }
    if (channel.full) return Promise.resolve(tooManyCalls(this.context.server));
    const own = [...withoutOverridden(headers, composed.headers), ...composed.headers];
    const sent = withTraceHeader(own, request);
    const call = new RestCall(++this.lastId, toResultMapping(tool), request, reply, signal, this.context);
    const { outcome } = call;
    call.exchange = channel.sendCall({ ...composed, headers: sent }, call);
    return outcome;
  }
}

const invalid = (message: string): Promise<Outcome> =>
  Promise.resolve(failure({ code: RpcCode.invalidParams, message: truncate(message) }));

const MAX_MESSAGE_LENGTH = 200;

/** Bounds messages that contain names of methods, tools or arguments: the client chooses their length. */
const truncate = (message: string): string => message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();

const resultMappings = new WeakMap<RestTool, Omit<ToolResultMapping, 'server'>>();

function toResultMapping(tool: RestTool): Omit<ToolResultMapping, 'server'> {
  const known = resultMappings.get(tool);
  if (known) return known;
  const pick = tool.result === undefined ? undefined : parseJsonPath(tool.result);
  const answered = { tool: tool.name, isStructured: tool.outputSchema !== undefined, ...(pick && { pick }) };
  resultMappings.set(tool, answered);
  return answered;
}

/** Headers of the tool override those of the server. */
function withoutOverridden(headers: readonly string[], others: readonly string[]): readonly string[] {
  if (others.length === 0) return headers;
  const names = new Set(others.filter((_name, index) => index % 2 === 0));
  return headers.filter((_text, index) => !names.has(headers[index - (index % 2)] ?? ''));
}

/** Returns a tool as it is listed to clients, without the HTTP request to which it maps. */
function toListedTool({ name, title, description, inputSchema, outputSchema }: RestTool): JsonObject {
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    inputSchema,
    ...(outputSchema && { outputSchema }),
  };
}
