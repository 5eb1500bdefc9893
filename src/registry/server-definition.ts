import type { JsonObject } from '#lib/mcp-protocol';

/** What an operator declared about one upstream server. Times are milliseconds. */
interface ServerBase {
  /** Lower-case letters, digits and single hyphens; never `__`. Names the endpoint and prefixes the server's items. */
  readonly slug: string;
  readonly title?: string;
  readonly enabled: boolean;
  /** One upstream session may serve every principal. Only for servers that keep nothing about their caller. */
  readonly shared: boolean;
  /** Callers without a token are let in to this server's endpoint. */
  readonly public: boolean;
  readonly timeouts: ServerTimeouts;
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
}

export type ServerDefinition = RemoteServer | StdioServer | RestServer;

/** A selection of servers under one slug, with prefixed names. */
export interface VirtualServerDefinition {
  readonly slug: string;
  readonly title?: string;
  readonly instructions?: string;
  readonly public: boolean;
  /** Slugs of servers, in the order of their lists. */
  readonly servers: readonly string[];
  /** Public names (`server__tool`) that are shown; `*` matches any run of characters. Absent: all. */
  readonly tools?: readonly string[];
  readonly prompts?: readonly string[];
  /** Public URIs that are shown, same patterns. */
  readonly resources?: readonly string[];
}
