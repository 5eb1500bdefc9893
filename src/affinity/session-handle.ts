import type { Answer, ClientProfile, LogLevel, McpNotification, Outcome, RequestId } from '#lib/mcp-protocol';
import type { StreamSink } from '../session-pool/index.js';
import type { UpstreamCall } from '../calls/index.js';
import type { WatchedResource } from '../subscriptions/index.js';

/** A stream of a session over one connection of its client. */
export interface OpenedStream {
  /** It belongs to no request, and ends with the session only. */
  readonly isServerStream: boolean;
  /** The client's connection is gone. */
  detach(): void;
}

/**
 * A session, wherever its owner is. Everything that concerns it goes through here; the caller cannot tell a local
 * owner from a remote one. Promises of methods reject with a GatewayError; where the owner lives elsewhere that may be
 * SessionUnknown (404), or that it cannot be reached (503).
 */
export interface SessionHandle {
  readonly id: string;
  /** Whether this worker owns it. */
  readonly location: 'here' | 'elsewhere';
  /** Who the client is. Of a session that lives elsewhere only the revision is known here. */
  readonly client: ClientProfile;

  /** Runs a call at the owner. The outcome carries an event id when its stream can be replayed. */
  call(call: UpstreamCall, sink: StreamSink): Promise<Outcome>;

  /** The client gave a request up. */
  cancel(requestId: RequestId): Promise<void>;

  /** The client's answer to a question. */
  answer(id: RequestId, answer: Answer): Promise<void>;

  /** A notification of the client for the servers it talks to. */
  notify(notification: McpNotification): Promise<void>;

  /** Minimum severity of the log messages that the client wants. */
  setLogLevel(level: LogLevel): Promise<void>;

  /** Starts telling the client of changes of a resource. */
  subscribe(resource: WatchedResource): Promise<void>;

  unsubscribe(resource: WatchedResource): Promise<void>;

  /**
   * Opens the stream that belongs to no request, or continues one after the event the client saw last. Rejects when
   * events in between are no longer kept.
   */
  openStream(sink: StreamSink, lastEventId?: string): Promise<OpenedStream>;

  /** The client is still there, and has nothing else to say. Its session does not end as unused. */
  touch(): Promise<void>;

  end(): Promise<void>;
}
