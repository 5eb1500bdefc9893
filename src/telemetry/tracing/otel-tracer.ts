import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { McpRequest, Outcome } from '#lib/mcp-protocol';
import { truncateLabel } from '../../workers/index.js';
import type { CallRecord } from '../call-record.js';
import { toSafeUri } from '../safe-text.js';
import { CallTracer, type RequestSpan, type ServerRequestSpan, type TracedRequest } from './call-tracer.js';
import { readTraceParent, traceparentOf } from './trace-context.js';

const TOOL_ERROR = 'tool_error';
/** Methods whose `name` is the target of the request, and the attribute for it. */
const NAME_ATTRIBUTES: Readonly<Record<string, string | undefined>> = {
  'tools/call': 'gen_ai.tool.name',
  'prompts/get': 'gen_ai.prompt.name',
};

/**
 * Spans by the OpenTelemetry conventions for MCP (open-telemetry/semantic-conventions-genai, status Development). They contain
 * no arguments and no results.
 */
export class OtelTracer extends CallTracer {
  constructor(
    private readonly tracer: Tracer,
    private readonly shutDown: () => Promise<void>,
  ) {
    super();
  }

  startRequest({ method = 'unknown', at, traceparent, httpTraceparent }: TracedRequest): RequestSpan {
    const [own, http] = [toContext(traceparent), toContext(httpTraceparent)];
    const links = own && http ? toLinks(http) : [];
    const options = { kind: SpanKind.SERVER, startTime: new Date(at), links };
    const span = this.tracer.startSpan(method, options, own ?? http ?? ROOT_CONTEXT);
    return {
      traceId: span.spanContext().traceId,
      traceparent: toTraceparent(span),
      link: (other) => void span.addLinks(toLinks(toContext(other))),
      end: (record) => endRequest(span, record),
    };
  }

  startServerRequest(server: string, request: McpRequest): ServerRequestSpan {
    const { method, params } = request;
    const { name, uri } = params;
    const target = typeof name === 'string' ? truncateLabel(name) : undefined;
    const options = {
      kind: SpanKind.CLIENT,
      attributes: { 'mcp.method.name': method, 'isthmus.server': server, ...toTarget(method, target, uri) },
    };
    const span = this.tracer.startSpan(
      toName(method, target),
      options,
      toContext(traceparentOf(request)) ?? ROOT_CONTEXT,
    );
    return {
      traceparent: toTraceparent(span),
      end: (outcome) => {
        markFailure(span, errorTypeOf(outcome));
        span.end();
      },
    };
  }

  close(): Promise<void> {
    return this.shutDown();
  }
}

function endRequest(span: Span, record: CallRecord): void {
  const { method, item, code, clientRevision, requestId } = record;
  span.updateName(toName(method ?? 'unknown', method !== undefined && NAME_ATTRIBUTES[method] ? item : undefined));
  span.setAttributes({
    'mcp.method.name': method,
    'mcp.protocol.version': clientRevision,
    ...toTarget(method ?? '', item, item),
    'rpc.response.status_code': code === undefined ? undefined : String(code),
    'http.response.status_code': record.httpStatus,
    'isthmus.request_id': requestId,
    'isthmus.worker': record.worker,
    'isthmus.endpoint': record.endpoint,
    'isthmus.server': record.server,
    'isthmus.outcome': record.outcome,
    'isthmus.own_ms': record.ownMs,
    'isthmus.server_ms': record.serverMs,
    'isthmus.client_ms': record.clientMs,
    'isthmus.forwarded_from': record.forwardedFrom,
    'isthmus.forwarded_to': record.forwardedTo,
    'isthmus.parked_call': record.parkedCall,
  });
  if (record.isToolError) markFailure(span, TOOL_ERROR);
  else markFailure(span, code === undefined ? undefined : String(code));
  span.end();
}

function errorTypeOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'error') return String(outcome.error.code);
  return outcome.result['isError'] === true ? TOOL_ERROR : undefined;
}

function markFailure(span: Span, errorType: string | undefined): void {
  if (errorType === undefined) return;
  span.setAttribute('error.type', errorType);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function toTarget(method: string, name: string | undefined, uri: unknown): Record<string, string> {
  const attribute = NAME_ATTRIBUTES[method];
  if (attribute !== undefined && name !== undefined) return { [attribute]: name };
  return method === 'resources/read' && typeof uri === 'string' ? { 'mcp.resource.uri': toSafeUri(uri) } : {};
}

const toName = (method: string, target: string | undefined): string =>
  target === undefined ? method : `${method} ${target}`;

function toTraceparent(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function toContext(traceparent: unknown): Context | undefined {
  const parent = readTraceParent(traceparent);
  if (!parent) return undefined;
  const { traceId, spanId, flags } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}

function toLinks(context: Context | undefined): Link[] {
  const linked = context && trace.getSpanContext(context);
  return linked ? [{ context: linked }] : [];
}
