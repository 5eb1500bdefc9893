import type { SpanKind } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { JsonObject } from '#lib/mcp-protocol';
import { remoteServer } from '../../../test/support/fake-upstream.js';
import { HttpWorld } from '../../../test/support/http-world.js';
import { OtelTracer, type SpanOptions } from './otel-tracer.js';

const exporter = new InMemorySpanExporter();

/** A gateway whose spans the spec reads, with the legacy server `a` and the modern server `m`. */
export async function openTracedWorld(options?: SpanOptions): Promise<HttpWorld> {
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  // The exporter serves all specs of the process, so the provider of one must not shut it down.
  const tracer = new OtelTracer(provider.getTracer('spec'), () => Promise.resolve(), options);
  const world = await HttpWorld.open([remoteServer('a'), remoteServer('m')], {}, {}, tracer);
  world.connector.eras.set('m', 'modern');
  return world;
}

/** The finished spans: first those of requests of clients, then those of requests to servers and of questions. */
export function finishedSpans() {
  return exporter
    .getFinishedSpans()
    .toSorted((a, b) => a.kind - b.kind)
    .map((span) => {
      const { name, kind, links, status, attributes, duration, parentSpanContext: parent } = span;
      return { name, kind, links, status, attributes, duration, parent, context: span.spanContext() };
    });
}

export type FinishedSpan = ReturnType<typeof finishedSpans>[number];

/** The only finished span with this name and this kind. */
export function onlySpan(name: string, kind: SpanKind): FinishedSpan {
  const [found, ...others] = finishedSpans().filter((span) => span.name === name && span.kind === kind);
  if (!found || others.length > 0) throw new Error(`${others.length + (found ? 1 : 0)} spans are called ${name}.`);
  return found;
}

export const forgetSpans = (): void => exporter.reset();

/** The trace context in `_meta` of a message. */
export const contextIn = ({ params }: { readonly params: JsonObject }): unknown =>
  (params['_meta'] as JsonObject | undefined)?.['traceparent'];

export const toContextText = ({ context: { traceId, spanId } }: FinishedSpan): string => `00-${traceId}-${spanId}-01`;
