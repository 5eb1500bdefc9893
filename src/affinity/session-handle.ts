import type { Answer, ClientProfile, LogLevel, McpNotification, Outcome, RequestId } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { StreamSink } from '../session-pool/index.js';
import type { UpstreamCall } from '../calls/index.js';
import type { SubscribedResource } from '../subscriptions/index.js';

/** A stream of a session over one connection of its client. */
export interface OpenedStream {
  /** True for the server stream, which belongs to no request and ends with the session. */
  readonly isServerStream: boolean;
  /** The client's connection was closed. */
  detach(): void;
}

/**
 * A session, independent of which worker owns it. All operations on a session go through this interface, so callers do
 * not distinguish a local owner from a remote one. Methods reject with a GatewayError; for a remote owner that includes
 * SessionUnknown (404) and an unreachable owner (503).
 */
export interface SessionHandle {
  readonly id: string;
  /** Whether this worker owns the session. */
  readonly location: 'local' | 'remote';
  /** The client's profile. For a remote session only the revision is known. */
  readonly client: ClientProfile;

  /** Runs a call at the owner. The outcome carries an event id when its stream can be replayed. */
  call(call: UpstreamCall, sink: StreamSink): Promise<Outcome>;

  /** Cancels a request that the client has given up. */
  cancel(requestId: RequestId, reason?: string): Promise<void>;

  /** Delivers the client's answer to a question. */
  answer(id: RequestId, answer: Answer): Promise<void>;

  /**
   * Delivers a client's notification to the servers that the session uses, as far as they are connected; or to one server, whose
   * connection is opened if necessary. Rejects in the latter case if the server cannot be reached.
   */
  notify(notification: McpNotification, server?: ServerDefinition): Promise<void>;

  /** Sets the minimum severity of log messages for this client. */
  setLogLevel(level: LogLevel): Promise<void>;

  /** Subscribes the client to updates of a resource. */
  subscribe(resource: SubscribedResource): Promise<void>;

  unsubscribe(resource: SubscribedResource): Promise<void>;

  /**
   * Opens the server stream, or resumes a stream after the last event that the client received. Rejects when events in
   * between are no longer stored.
   */
  openStream(sink: StreamSink, lastEventId?: string): Promise<OpenedStream>;

  /** Marks the session as used, so that it is not evicted as idle. */
  touch(): Promise<void>;

  end(): Promise<void>;
}
