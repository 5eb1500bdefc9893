import type { Outcome } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { traceparentOf, withTraceparent, type CallTracer } from '../telemetry/index.js';
import type { UpstreamConnection, UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import { INTERNAL_ERROR } from './calls.errors.js';

/** Sends requests to servers within spans. The questions of a server during a request have spans below that of the request. */
export class TracedRequests {
  constructor(private readonly tracer: CallTracer | undefined) {}

  /** Settles as `UpstreamConnection.request` does. */
  send(
    connection: UpstreamConnection,
    server: ServerDefinition,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { revision } = connection.profile;
    const span = this.tracer?.startServerRequest({ server, request, revision });
    if (!span) return connection.request(request, reply, signal);
    const { traceparent } = span;
    const traced = traceparentOf(request) === traceparent ? request : withTraceparent(request, traceparent);
    return endWith(span, connection.request(traced, this.traceQuestions(reply, server, traced), signal));
  }

  /** Returns a reply whose questions have spans below the trace context of the request. */
  traceQuestions(reply: UpstreamReply, server: ServerDefinition, request: UpstreamRequest): UpstreamReply {
    const { tracer } = this;
    if (!tracer) return reply;
    const parent = traceparentOf(request);
    return {
      notify: (notification) => reply.notify(notification),
      opened: (retryMs) => reply.opened?.(retryMs),
      interrupted: () => reply.interrupted?.(),
      missingCapabilities: (capabilities) => reply.missingCapabilities?.(capabilities),
      answerQuestion: (question, signal) =>
        tracer.traceQuestion({ server: server.slug, question, parent }, (asked) => reply.answerQuestion(asked, signal)),
    };
  }
}

/** Ends the span with the outcome, whatever happened. */
async function endWith(span: ServerRequestSpan, settling: Promise<Outcome>): Promise<Outcome> {
  let outcome = INTERNAL_ERROR;
  try {
    outcome = await settling;
  } finally {
    span.end(outcome);
  }
  return outcome;
}

type ServerRequestSpan = NonNullable<ReturnType<CallTracer['startServerRequest']>>;
