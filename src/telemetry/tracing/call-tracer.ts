import type { McpRequest, Outcome } from '#lib/mcp-protocol';
import type { CallRecord } from '../call-record.js';

/** What is known about a request of a client when its span starts. */
export interface TracedRequest {
  readonly method: string | undefined;
  /** When the request arrived, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** The `traceparent` in `_meta`: the parent of the span. */
  readonly traceparent: unknown;
  /** The HTTP header: the parent where `_meta` has none, a link otherwise. */
  readonly httpTraceparent: unknown;
}

/** The span of a request of a client. */
export interface RequestSpan {
  readonly traceId: string;
  /** The context for what the request causes. */
  readonly traceparent: string;
  /** Links an earlier span: the first part of a parked call. */
  link(traceparent: string): void;
  end(record: CallRecord): void;
}

/** The span of a request to a server. */
export interface ServerRequestSpan {
  readonly traceparent: string;
  end(outcome: Outcome): void;
}

/** Starts spans. Without tracing, it starts none and requests keep the trace context of the client. */
export abstract class CallTracer {
  abstract startRequest(request: TracedRequest): RequestSpan | undefined;

  /** The parent of the span is the context in `_meta` of the request. */
  abstract startServerRequest(server: string, request: McpRequest): ServerRequestSpan | undefined;

  /** Exports the spans that have ended. */
  abstract close(): Promise<void>;
}

export class NoTracer extends CallTracer {
  startRequest(): undefined {
    return undefined;
  }

  startServerRequest(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    // There is nothing to export.
  }
}
