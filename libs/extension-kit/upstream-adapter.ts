import type { Type } from '@nestjs/common';
import type {
  Answer,
  ClientProfile,
  Era,
  JsonObject,
  McpNotification,
  McpRequest,
  Outcome,
  Question,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { ContributionKind } from './contribution.js';
import type { Credentials } from './upstream-credentials.js';

/** What a server says about itself, from its handshake or its discovery result. */
export interface ServerProfile {
  readonly era: Era;
  /** The revision of the protocol that the gateway uses with the server. */
  readonly revision: string;
  /** What the server can do, such as `{ tools: {} }`. The gateway lists only what is declared here. */
  readonly capabilities: JsonObject;
  readonly serverInfo?: JsonObject;
  readonly instructions?: string;
}

/** A configured server, as its adapter sees it. */
export interface AdaptedServer<Entry extends object> {
  /** Names the server in the configuration and in messages. */
  readonly slug: string;
  readonly title?: string;
  /** The valid entry, with variables and secrets resolved. For a kind of an extension an instance of its entry class. Frozen. */
  readonly entry: Entry;
  readonly timeouts: {
    /** Milliseconds until a connection must be open. */
    readonly connectMs: number;
    /** Milliseconds from a request, or its last progress, to its outcome. */
    readonly requestMs: number;
  };
}

/** Receives what precedes the outcome of one request. */
export interface AdapterReply {
  /** A notification of this request, such as progress. A returned promise is back-pressure. */
  notify(notification: McpNotification): void | Promise<void>;
  /** Puts a question to the client, and returns its answer. Rejects when the client cannot be asked. */
  answerQuestion(question: Question, signal: AbortSignal): Promise<Answer>;
}

/** Receives what belongs to no request. */
export interface AdapterEvents {
  notify(notification: McpNotification): void;
  /** Puts a question to the client of the connection. Undefined: the connection does not belong to one client. */
  question?(question: Question, signal: AbortSignal): Promise<Answer> | undefined;
  /** The connection can serve no further request. The next request opens another one. */
  closed(reason: string): void;
}

/** A request for a server. */
export interface AdapterRequest extends McpRequest {
  /** The client on whose behalf it is sent. */
  readonly client: ClientProfile;
  /** Identifies principal and client. Equal texts mean the same one. Absent: a request of the gateway itself. */
  readonly asker?: { readonly principal: string; readonly client: string };
}

/** One connection to one server. `ToolConnection` is the base class for systems that are no MCP servers. */
export interface AdapterConnection {
  readonly profile: ServerProfile;

  /**
   * Sends one request, at most once, and returns its outcome: a result, or an error of the server. Throw a `TransportFailure` to
   * state whether the request reached the server; after anything else that is thrown the gateway reports that the outcome is
   * unknown. When the signal is aborted, the outcome is no longer read: cancel the request at the server.
   */
  request(request: AdapterRequest, reply: AdapterReply, signal: AbortSignal): Promise<Outcome>;

  /** Forwards a notification of a client. Absent: the server receives none. */
  notify?(notification: McpNotification): Promise<unknown>;

  /** Rejects when the server does not answer. Absent: a health check sends the request `ping`. */
  ping?(signal: AbortSignal): Promise<void>;

  /**
   * Frees what the connection holds. Called once, also after the connection has reported `closed`; running requests have received their
   * outcomes.
   */
  close(): Promise<void>;
}

/** One attempt to connect to a server. */
export interface ConnectAttempt {
  /** The client on whose behalf the connection is opened first. */
  readonly client: ClientProfile;
  readonly events: AdapterEvents;
  readonly clock: Clock;
  /**
   * What `UpstreamCredentials` of an extension provides for the caller, beside the entry. Absent: the entry suffices. A connection whose
   * credentials the server refuses should report `closed`: the next one gets new ones.
   */
  readonly callerCredentials?: Required<Credentials>;
  /** Aborted when the time to connect is over, or nobody waits for the connection any more. */
  readonly signal: AbortSignal;
  /**
   * Resolves the name of a host, or returns the address that it is. For a server that was created over the admin API it rejects
   * when the address is of a network that such servers must not reach (ISTHMUS_ALLOWED_NETWORKS): connect to the returned address.
   */
  resolveAddress(host: string): Promise<string>;
}

/**
 * Connects the gateway to one kind of server. One instance serves all servers of its kind. Mark it with `ConnectsUpstream`, and
 * provide it under its own class.
 */
export abstract class UpstreamAdapter<Entry extends object = object> {
  /** The era in which the server will speak: legacy connections belong to one client. Default: modern, without sessions. */
  resolveEra(_server: AdaptedServer<Entry>, _attempt: ConnectAttempt): Era | Promise<Era> {
    return 'modern';
  }

  /**
   * Opens a connection. What is thrown makes the server unreachable for the call, which was not executed; its message reaches the
   * log and administrators, without the credentials of the entry.
   */
  abstract connect(server: AdaptedServer<Entry>, attempt: ConnectAttempt): Promise<AdapterConnection>;

  /** An adapter for a connection test, which must neither use nor change what this one has cached. Default: this one. */
  isolated(): UpstreamAdapter<Entry> {
    return this;
  }

  /** The definition of a server has changed, or the server is no longer what it was: forget what is cached about it. */
  evict(_slug: string): void {}

  /** The gateway ends. Its connections are closed already. */
  async shutdown(): Promise<void> {}
}

export interface UpstreamAdapterOptions {
  /** What `transport` of an entry says: lower-case letters, digits and hyphens, beginning with a letter; at most 32 characters. */
  readonly kind: string;
  /**
   * The members of an entry besides those that all servers have (`title`, `team`, `timeouts`, …): a class of class-validator rules.
   * Its instances are made by class-transformer. Mark credentials with `Secret`.
   */
  readonly entry: Type<object>;
  /** Its entries start programs on the host, so the admin API accepts them only with ISTHMUS_ADMIN_MAY_START_PROGRAMS. */
  readonly startsPrograms?: boolean;
}

export const UPSTREAM_ADAPTERS = new ContributionKind<UpstreamAdapter, UpstreamAdapterOptions>(
  'ConnectsUpstream',
  UpstreamAdapter,
);

const entryClasses = new Map<string, Set<Type<object>>>();

/**
 * Marks an `UpstreamAdapter`, and names the kind of server that it connects.
 *
 * @example `@ConnectsUpstream('grpc', { entry: GrpcEntry })`
 */
export function ConnectsUpstream(kind: string, options: Omit<UpstreamAdapterOptions, 'kind'>): ClassDecorator {
  entryClasses.set(kind, (entryClasses.get(kind) ?? new Set()).add(options.entry));
  return UPSTREAM_ADAPTERS.mark({ kind, ...options });
}

/**
 * All entry classes that a decorator in this process gives to a kind: those whose credentials must be hidden, whether or not this
 * gateway has loaded the adapter.
 */
export const declaredEntryClasses = (kind: string): readonly Type<object>[] => [...(entryClasses.get(kind) ?? [])];
