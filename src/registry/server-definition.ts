import type { JsonObject, JsonValue } from '#lib/mcp-protocol';

/** What becomes of a tool whose definition changes after it was approved: it is shown as it is now, and marked; or kept back. */
export const TOOL_CHANGES = ['flag', 'quarantine'] as const;
export type ToolChanges = (typeof TOOL_CHANGES)[number];

/** What an operator declared about one upstream server. Times are milliseconds. */
interface ServerBase {
  /** Lower-case letters, digits and single hyphens; never `__`. Names the endpoint and prefixes the server's items. */
  readonly slug: string;
  readonly title?: string;
  /** It is its members' alone, unless a policy says something else. */
  readonly team?: string;
  /** Absent: flag. */
  readonly toolChanges?: ToolChanges;
  /** By which virtual servers choose it. */
  readonly tags?: readonly string[];
  readonly enabled: boolean;
  /** One upstream session may serve every principal. Only for servers that keep nothing about their caller. */
  readonly shared: boolean;
  /** Callers without a token are let in to this server's endpoint. */
  readonly public: boolean;
  readonly timeouts: ServerTimeouts;
  /** How often it was to be reached anew: with another number it is another server. */
  readonly refreshes?: number;
  /** Made over the network: it may be at addresses that are public, or allowed. */
  readonly guarded?: boolean;
}

export interface ServerTimeouts {
  /** Until a connection (or a child process) answers its handshake. */
  readonly connectMs: number;
  /** From the request to the final answer, however much progress is reported. */
  readonly requestMs: number;
}

/** A server over streamable HTTP (either era, probed) or over HTTP+SSE only. */
export interface RemoteServer extends ServerBase {
  readonly transport: 'http' | 'sse';
  readonly url: string;
  /** Sent with every request to this server: its credentials, as a rule. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A server that the gateway starts as a child process. */
export interface StdioServer extends ServerBase {
  readonly transport: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** Added to a minimal environment (PATH, HOME, LANG, …); the gateway's own environment is not inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Plain HTTP endpoints that the gateway offers as tools. No MCP server is behind them. */
export interface RestServer extends ServerBase {
  readonly transport: 'rest';
  /** What all paths are added to. A query in it goes with every request. */
  readonly url: string;
  /** Sent with every request to this server: its credentials, as a rule. */
  readonly headers: Readonly<Record<string, string>>;
  /** In the order of the file. */
  readonly tools: readonly RestTool[];
}

export const REST_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

export type RestMethod = (typeof REST_METHODS)[number];

/** One tool of a REST server: how a call of it becomes one HTTP request. */
export interface RestTool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly method: RestMethod;
  /** Starts with `/`; `{name}` stands for the argument of that name. */
  readonly path: string;
  /** Always of the type `object`. */
  readonly inputSchema: JsonObject;
  /** What structured content is like; clients are told. */
  readonly outputSchema?: JsonObject;
  /** Headers of each request by name; `{argument}` stands for one. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What goes into the query, by name. Absent: where there is no body, all arguments that nothing else names. */
  readonly query?: Readonly<Record<string, string>>;
  /** What the body is. Absent: where there is one, an object of all arguments that nothing else names. */
  readonly body?: JsonValue;
  /** The part of a JSON answer that is the result (JSONPath, RFC 9535). Absent: all of it. */
  readonly result?: string;
}

export type ServerDefinition = RemoteServer | StdioServer | RestServer;

/** A selection of servers under one slug, with prefixed names. */
export interface VirtualServerDefinition {
  readonly slug: string;
  readonly title?: string;
  /** The endpoint is its members' alone. */
  readonly team?: string;
  readonly instructions?: string;
  readonly public: boolean;
  /** Slugs of servers, in the order of their lists. */
  readonly servers: readonly string[];
  /** Servers with one of these tags follow, in the order of the configuration. */
  readonly tags?: readonly string[];
  /** Public names (`server__tool`) that are shown; `*` matches any run of characters. Absent: all. */
  readonly tools?: readonly string[];
  readonly prompts?: readonly string[];
  /** Public URIs that are shown, same patterns. */
  readonly resources?: readonly string[];
}
