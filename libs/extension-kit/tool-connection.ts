import {
  failure,
  isJsonObject,
  isListMethod,
  LATEST_MODERN_REVISION,
  LIST_MEMBERS,
  META,
  MODERN_REVISIONS,
  result,
  RpcCode,
  type Answer,
  type ClientProfile,
  type JsonObject,
  type Outcome,
  type Question,
} from '#lib/mcp-protocol';
import { OutcomeError } from './outcome-error.js';
import { PRODUCT } from './product.js';
import type {
  AdaptedServer,
  AdapterConnection,
  AdapterReply,
  AdapterRequest,
  ServerProfile,
} from './upstream-adapter.js';

/** A tool as clients see it in `tools/list`. */
export interface ToolDefinition {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  /** JSON Schema of the arguments, of type `object`. */
  readonly inputSchema: JsonObject;
  /** JSON Schema of `structuredContent` of the result. */
  readonly outputSchema?: JsonObject;
  /** Hints such as `{ readOnlyHint: true }`. */
  readonly annotations?: JsonObject;
}

/** What surrounds one call of a tool. */
export interface ToolCallContext {
  /** Aborted when the client cancels the call, and when its time is over. Cancel the work. */
  readonly signal: AbortSignal;
  readonly client: ClientProfile;
  /** Identifies principal and client. Equal texts mean the same one. */
  readonly asker: AdapterRequest['asker'];
  /** Reports progress to a client that asked for it. It restarts the timeout of the call. */
  progress(progress: number, total?: number, message?: string): void | Promise<void>;
  /** Asks the client, such as with `elicitation/create`. Rejects when it cannot be asked. */
  ask(question: Question): Promise<Answer>;
}

/** A tool that the server does not have. */
export class UnknownTool extends OutcomeError {
  constructor(name: string) {
    super({ kind: 'error', error: { code: RpcCode.invalidParams, message: truncate(`Unknown tool: ${name}`) } });
  }
}

/** A result that contains a text. */
export const textResult = (text: string): JsonObject => ({ content: [{ type: 'text', text }] });

/** A result with a JSON object, also as a text for clients that read no structured content. */
export const structuredResult = (value: JsonObject): JsonObject => ({
  ...textResult(JSON.stringify(value)),
  structuredContent: value,
});

/** The system has executed or refused the call, and says that it failed. The model reads the text. */
export const errorResult = (text: string): JsonObject => ({ ...textResult(text), isError: true });

/**
 * Presents a system that is no MCP server as a server with tools: extend it with the tools and with how to call one. The rest
 * of the protocol is answered here.
 */
export abstract class ToolConnection implements AdapterConnection {
  readonly profile: ServerProfile;

  constructor(server: Pick<AdaptedServer<object>, 'slug' | 'title'>, instructions?: string) {
    this.profile = toToolServerProfile(server, instructions);
  }

  /** All tools. The gateway keeps the answer for a while. */
  abstract listTools(signal: AbortSignal): Promise<readonly ToolDefinition[]>;

  /**
   * Calls a tool once and returns its result (`textResult`, `structuredResult`, `errorResult`). The arguments have the form of the
   * schema only if the client is well-behaved: validate what matters. Throw `TransportFailure` to state whether the call reached
   * the system, and `UnknownTool` for a name that you do not know.
   */
  abstract callTool(name: string, args: JsonObject, context: ToolCallContext): Promise<JsonObject>;

  /** Rejects when the system does not answer. Absent: a health check only asks whether the connection is open. */
  ping?(signal: AbortSignal): Promise<void>;

  async request(request: AdapterRequest, reply: AdapterReply, signal: AbortSignal): Promise<Outcome> {
    const { method, params } = request;
    if (method === 'tools/list') return result({ tools: (await this.listTools(signal)).map((tool) => ({ ...tool })) });
    if (method !== 'tools/call') return answerForTools(method, this.profile);
    const { name, arguments: args = {} } = params;
    if (typeof name !== 'string') return invalidParams('params.name must be a string.');
    if (!isJsonObject(args)) return invalidParams('params.arguments must be an object.');
    return result(await this.callTool(name, args, toContext(request, reply, signal)));
  }

  async close(): Promise<void> {}
}

/** The profile of a server that has tools, and nothing else. Its tools change with the configuration only. */
export function toToolServerProfile(
  { slug, title }: Pick<AdaptedServer<object>, 'slug' | 'title'>,
  instructions?: string,
): ServerProfile {
  return {
    era: 'modern',
    revision: LATEST_MODERN_REVISION,
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: slug, version: PRODUCT.version, ...(title !== undefined && { title }) },
    ...(instructions !== undefined && { instructions }),
  };
}

/** What a server that has only tools answers to every method that is not about tools. */
export function answerForTools(method: string, { capabilities, serverInfo, instructions }: ServerProfile): Outcome {
  if (isListMethod(method)) return result({ [LIST_MEMBERS[method]]: [] });
  if (method === 'ping') return result({});
  if (method !== 'server/discover')
    return failure({ code: RpcCode.methodNotFound, message: truncate(`Method not found: ${method}`) });
  return result({
    supportedVersions: [...MODERN_REVISIONS],
    capabilities,
    ...(instructions !== undefined && { instructions }),
    ...(serverInfo && { _meta: { [META.serverInfo]: serverInfo } }),
  });
}

const invalidParams = (message: string): Outcome => failure({ code: RpcCode.invalidParams, message });

function toContext(
  { client, asker, progressToken }: AdapterRequest,
  reply: AdapterReply,
  signal: AbortSignal,
): ToolCallContext {
  return {
    signal,
    client,
    asker,
    progress: (progress, total, message) => {
      const params = { progressToken: progressToken ?? '', progress };
      const more = { ...(total !== undefined && { total }), ...(message !== undefined && { message }) };
      return reply.notify({ method: 'notifications/progress', params: { ...params, ...more } });
    },
    ask: (question) => reply.answerQuestion(question, signal),
  };
}

const MAX_MESSAGE_LENGTH = 200;

/** Bounds messages that contain names of methods or tools: the client chooses their length. */
const truncate = (message: string): string => message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
