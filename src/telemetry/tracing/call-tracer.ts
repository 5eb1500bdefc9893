import type { CallRecord } from '#lib/extension-kit';
import type { Answer, McpRequest, Outcome, Question, RequestId } from '#lib/mcp-protocol';
import { withTraceparent } from './trace-context.js';

/** What is known about a request of a client when its span starts. */
export interface TracedRequest {
  readonly method: string | undefined;
  /** The JSON-RPC id that the client chose. Absent: unknown. */
  readonly id?: RequestId | undefined;
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

/** The server of a span, as far as a span names it. */
export interface TracedServer {
  readonly slug: string;
  /** Kind of the connection, such as `stdio`. */
  readonly transport: string;
  /** Absent for a child process and for a server that an extension connects. */
  readonly url?: string;
}

/** A request to a server. The parent of its span is the context in `_meta`. */
export interface TracedServerRequest {
  readonly server: TracedServer;
  readonly request: McpRequest;
  /** Protocol revision of the connection. */
  readonly revision: string;
}

/** The span of a request to a server. */
export interface ServerRequestSpan {
  readonly traceparent: string;
  end(outcome: Outcome): void;
}

/** A question of a server to a client: elicitation, sampling or roots. */
export interface TracedQuestion {
  /** Slug of the server. */
  readonly server: string;
  readonly question: Question;
  /** Context of the request during which the server asked. The context in `_meta` of the question takes precedence. */
  readonly parent?: unknown;
  /** When the client received the question, in milliseconds since the Unix epoch. Absent: now. */
  readonly at?: number;
}

/** The span of a question to a client. */
export interface QuestionSpan {
  readonly traceparent: string;
  /** Undefined: the client did not answer. */
  end(answer: Answer | undefined): void;
}

/** Starts spans. Without tracing, it starts none and messages keep the trace context of their sender. */
export abstract class CallTracer {
  abstract startRequest(request: TracedRequest): RequestSpan | undefined;

  abstract startServerRequest(request: TracedServerRequest): ServerRequestSpan | undefined;

  abstract startQuestion(question: TracedQuestion): QuestionSpan | undefined;

  /** Exports the spans that have ended. */
  abstract close(): Promise<void>;

  /** Asks the client within a span, whose context the question carries. Settles as `ask` does. */
  async traceQuestion(traced: TracedQuestion, ask: (question: Question) => Promise<Answer>): Promise<Answer> {
    const span = this.startQuestion(traced);
    if (!span) return ask(traced.question);
    let answer: Answer | undefined;
    try {
      answer = await ask(withTraceparent(traced.question, span.traceparent));
      return answer;
    } finally {
      span.end(answer);
    }
  }
}

export class NoTracer extends CallTracer {
  startRequest(): undefined {
    return undefined;
  }

  startServerRequest(): undefined {
    return undefined;
  }

  startQuestion(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    // There is nothing to export.
  }
}
