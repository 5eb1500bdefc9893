import type { RestTool } from './rest-tool.js';

/** What happens to a tool whose definition changes after approval: it is flagged and stays listed, or it is quarantined. */
export const TOOL_CHANGES = ['flag', 'quarantine'] as const;
export type ToolChanges = (typeof TOOL_CHANGES)[number];

/**
 * To whom a server's state about its callers belongs: it keeps none, each principal has its own, or each session of a
 * client has its own.
 */
export const ISOLATIONS = ['none', 'principal', 'session'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

/** Which calls of a server's items are audit records: none, those that the gateway refused, or all. */
export const CALL_AUDITS = ['none', 'refused', 'all'] as const;
export type CallAuditMode = (typeof CALL_AUDITS)[number];

/** The eras of which a server may be: the gateway finds out, or uses one of them only. */
export const SERVER_ERAS = ['auto', 'legacy', 'modern'] as const;
export type ServerEra = (typeof SERVER_ERAS)[number];

/** Common members of the definition of an upstream server. Times are in milliseconds. */
interface ServerBase {
  /** Lower-case letters, digits and single hyphens; never `__`. Names the endpoint and prefixes the server's items. */
  readonly slug: string;
  readonly title?: string;
  /** Only members of this team may use the server, unless a policy says otherwise. */
  readonly team?: string;
  /** Default: flag. */
  readonly toolChanges?: ToolChanges;
  /** Tags by which virtual servers select the server. */
  readonly tags?: readonly string[];
  readonly enabled: boolean;
  /** Absent: the safe value for its transport and era (`isolationOf` of connections). */
  readonly isolation?: Isolation;
  /** The only era in which the gateway speaks to the server. Absent: the gateway finds out. */
  readonly era?: Exclude<ServerEra, 'auto'>;
  /** The endpoint of this server passes on methods that the gateway does not know. */
  readonly allowUnknownMethods: boolean;
  /** The endpoint of this server offers the tasks of the server, to each principal its own. */
  readonly tasks: boolean;
  /** Callers without a token may use the endpoint of this server. */
  readonly public: boolean;
  readonly timeouts: ServerTimeouts;
  /** Which calls are audit records. Absent: what `ISTHMUS_AUDIT_CALLS` says. */
  readonly audit?: CallAuditMode;
  /** Audit records of calls contain the arguments, and not only a digest of them. */
  readonly auditArguments?: boolean;
  /** Milliseconds between two health checks; 0: none. Absent: the interval of the settings. */
  readonly healthIntervalMs?: number;
  /** Number of refreshes requested so far. A new number makes the definition differ, so that all workers reconnect. */
  readonly refreshes?: number;
  /** Names and values of credentials that were replaced since. No text may repeat them. */
  readonly formerCredentials?: readonly (readonly [name: string, value: string])[];
  /** True for a server created over the admin API. It may use only public or explicitly allowed addresses (ADR 17). */
  readonly guarded?: boolean;
  /** Distinguishes the server from earlier ones of its slug. Absent: the slug itself (`identityOf`). */
  readonly identity?: string;
}

export interface ServerTimeouts {
  /** Timeout until a connection or a child process has completed its handshake. */
  readonly connectMs: number;
  /** Timeout from the request, or the last progress notification of its call, to the final response. */
  readonly requestMs: number;
  /** Maximum duration of a call, whatever progress it reports (`maximumOf`). */
  readonly maximumMs?: number;
}

const DEFAULT_MAXIMUM_MS = 3_600_000;

/** The maximum duration of a call: an hour, or the timeout without progress if that is longer. */
export const maximumOf = ({
  requestMs,
  maximumMs = Math.max(requestMs, DEFAULT_MAXIMUM_MS),
}: Pick<ServerTimeouts, 'requestMs' | 'maximumMs'>): number => maximumMs;

/** A server over streamable HTTP (of either era, determined by a probe) or over HTTP+SSE. */
export interface RemoteServer extends ServerBase {
  readonly transport: 'http' | 'sse';
  readonly url: string;
  /** Sent with every request to this server; usually its credentials. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A server that the gateway starts as a child process. */
export interface StdioServer extends ServerBase {
  readonly transport: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** Added to a minimal environment (PATH, HOME, LANG, …). The child process does not get the environment of the gateway. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Plain HTTP endpoints that the gateway offers as tools, without an MCP server. */
export interface RestServer extends ServerBase {
  readonly transport: 'rest';
  /** Base URL of all tool paths. Its query is part of every request. */
  readonly url: string;
  /** Sent with every request to this server; usually its credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** Path and query for health checks. Absent: a check only connects. */
  readonly healthPath?: string;
  /** In the order of the file. */
  readonly tools: readonly RestTool[];
}

/** A server of a kind that an extension connects. */
export interface ContributedServer extends ServerBase {
  readonly transport: 'contributed';
  /** What the entry says as its transport. */
  readonly kind: string;
  /** An instance of the entry class of the kind, frozen. */
  readonly entry: object;
  /** What an extension provides for one caller, beside the entry. */
  readonly credentials?: {
    readonly headers: Readonly<Record<string, string>>;
    readonly env: Readonly<Record<string, string>>;
  };
}

/** A server of a kind that no loaded extension connects. It is listed, and cannot be reached. */
export interface UnloadedServer extends ServerBase {
  readonly transport: 'unloaded';
  readonly kind: string;
}

export type ServerDefinition = RemoteServer | StdioServer | RestServer | ContributedServer | UnloadedServer;

/** What the entry of a server says as its transport. */
export const kindOf = (server: ServerDefinition): string => ('kind' in server ? server.kind : server.transport);

/** A selection of servers under one slug, with prefixed names. */
export interface VirtualServerDefinition {
  readonly slug: string;
  readonly title?: string;
  /** Only members of this team may use the endpoint. */
  readonly team?: string;
  readonly instructions?: string;
  readonly public: boolean;
  /** Slugs of servers. Their items are listed in this order. */
  readonly servers: readonly string[];
  /** Servers with one of these tags follow, in the order of the configuration. */
  readonly tags?: readonly string[];
  /** Patterns of the public names (`server__tool`) that are listed; `*` matches any run of characters. Absent: all. */
  readonly tools?: readonly string[];
  readonly prompts?: readonly string[];
  /** Patterns of the public URIs that are listed. */
  readonly resources?: readonly string[];
}
