import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import type { CallRecord } from '#lib/extension-kit';
import type { Answer, Outcome } from '#lib/mcp-protocol';
import {
  CallTracer,
  type QuestionSpan,
  type RequestSpan,
  type ServerRequestSpan,
  type TracedQuestion,
  type TracedRequest,
  type TracedServerRequest,
} from './call-tracer.js';
import {
  errorTypeOf,
  errorTypeOfRecord,
  nameOf,
  toArgumentAttributes,
  toMethodAttributes,
  toRecordAttributes,
  toResultAttributes,
  toServerRequestAttributes,
  toSpanName,
} from './span-attributes.js';
import type { SpanGate } from './span-gate.js';
import { readTraceParent, traceparentOf, type TraceParent } from './trace-context.js';

/** A question that was withdrawn, timed out or could not be sent. */
const UNANSWERED = 'unanswered';

export interface SpanOptions {
  /** True if the operator opted in to the arguments and results of tools. */
  readonly hasContents: boolean;
  /** Default: every span is made, and the sampler of the SDK decides about it. */
  readonly gate?: SpanGate;
}

/**
 * Spans by the OpenTelemetry conventions for MCP (open-telemetry/semantic-conventions-genai, status Development). They contain
 * arguments and results only if the operator opted in.
 */
export class OtelTracer extends CallTracer {
  constructor(
    private readonly tracer: Tracer,
    private readonly shutDown: () => Promise<void>,
    private readonly options: SpanOptions = { hasContents: false },
  ) {
    super();
  }

  startRequest({ method = 'unknown', id, at, traceparent, httpTraceparent }: TracedRequest): RequestSpan {
    const [own, http] = [readTraceParent(traceparent), readTraceParent(httpTraceparent)];
    const parent = own ?? http;
    const skipped = this.options.gate?.skip(parent);
    if (skipped) return skipped;
    const links = own && http ? toLinks(http) : [];
    const span = this.tracer.startSpan(
      method,
      { kind: SpanKind.SERVER, startTime: toHrTime(at), links },
      toContext(parent),
    );
    if (!span.isRecording()) return { ...toIds(span), link: ignore, end: ignore };
    span.setAttributes(toMethodAttributes(method, id));
    return {
      ...toIds(span),
      link: (other) => void span.addLinks(toLinks(readTraceParent(other))),
      end: (record) => endRequest(span, record, at),
    };
  }

  startServerRequest(traced: TracedServerRequest): ServerRequestSpan {
    const { method, params } = traced.request;
    const { hasContents, gate } = this.options;
    const parent = readTraceParent(traceparentOf(traced.request));
    const skipped = gate?.skip(parent);
    if (skipped) return skipped;
    const name = toSpanName(method, nameOf(params));
    const span = this.tracer.startSpan(name, { kind: SpanKind.CLIENT }, toContext(parent));
    if (!span.isRecording()) return { traceparent: toTraceparent(span), end: ignore };
    span.setAttributes(toServerRequestAttributes(traced));
    if (hasContents) span.setAttributes(toArgumentAttributes(method, params));
    return {
      traceparent: toTraceparent(span),
      end: (outcome) => {
        if (hasContents) span.setAttributes(toResultAttributes(method, outcome));
        endWithOutcome(span, outcome);
      },
    };
  }

  startQuestion({ server, question, parent, at }: TracedQuestion): QuestionSpan {
    const { method } = question;
    const above = readTraceParent(traceparentOf(question)) ?? readTraceParent(parent);
    const skipped = this.options.gate?.skip(above);
    if (skipped) return skipped;
    const options = {
      kind: SpanKind.CLIENT,
      attributes: { ...toMethodAttributes(method), 'isthmus.server': server },
      ...(at !== undefined && { startTime: toHrTime(at) }),
    };
    const span = this.tracer.startSpan(method, options, toContext(above));
    return { traceparent: toTraceparent(span), end: (answer) => endQuestion(span, answer) };
  }

  close(): Promise<void> {
    return this.shutDown();
  }
}

/** The span lasts exactly as long as the record says. */
function endRequest(span: Span, record: CallRecord, startedAt: number): void {
  const { method = 'unknown', item, reason } = record;
  span.updateName(toSpanName(method, item));
  span.setAttributes(toRecordAttributes(record));
  markFailure(span, errorTypeOfRecord(record), reason);
  span.end(toHrTime(startedAt + record.totalMs));
}

function endWithOutcome(span: Span, outcome: Outcome): void {
  if (outcome.kind === 'error') markStatusCode(span, outcome.error.code);
  markFailure(span, errorTypeOf(outcome));
  span.end();
}

function endQuestion(span: Span, answer: Answer | undefined): void {
  if (answer && 'result' in answer) return span.end();
  if (answer) markStatusCode(span, answer.error.code);
  markFailure(span, answer ? String(answer.error.code) : UNANSWERED);
  span.end();
}

const markStatusCode = (span: Span, code: number): unknown =>
  span.setAttribute('rpc.response.status_code', String(code));

/** @param message without arguments: messages of servers may quote them */
function markFailure(span: Span, errorType: string | undefined, message?: string): void {
  if (errorType === undefined) return;
  span.setAttribute('error.type', errorType);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
}

/** @param at milliseconds since the Unix epoch */
function toHrTime(at: number): HrTime {
  const seconds = Math.floor(at / 1_000);
  return [seconds, Math.round((at - seconds * 1_000) * 1e6)];
}

const toIds = (span: Span) => ({ traceId: span.spanContext().traceId, traceparent: toTraceparent(span) });

/** For spans that are not sampled. */
const ignore = (): void => undefined;

function toTraceparent(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function toContext(parent: TraceParent | undefined): Context {
  return parent ? trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent)) : ROOT_CONTEXT;
}

const toLinks = (linked: TraceParent | undefined): Link[] => (linked ? [{ context: toSpanContext(linked) }] : []);

const toSpanContext = ({ traceId, spanId, flags }: TraceParent): SpanContext => ({
  traceId,
  spanId,
  traceFlags: flags,
  isRemote: true,
});
