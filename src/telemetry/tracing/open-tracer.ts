import { PRODUCT } from '#lib/extension-kit';
import type { Variables } from '#lib/config';
import { CallTracer, NoTracer } from './call-tracer.js';
import { OtelTracer } from './otel-tracer.js';

const TRACES_PATH = 'v1/traces';

/**
 * Traces calls if the standard variables name an OTLP endpoint: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, or
 * `OTEL_EXPORTER_OTLP_ENDPOINT`. The exporter reads the other `OTEL_EXPORTER_OTLP_*` variables itself. Without an endpoint no
 * package of OpenTelemetry is loaded but its API.
 */
export async function openTracer(variables: Variables): Promise<CallTracer> {
  const url = findEndpoint(variables);
  if (url === undefined || variables['OTEL_SDK_DISABLED'] === 'true') return new NoTracer();
  const [{ BatchSpanProcessor, TracerProvider }, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const { name, version } = PRODUCT;
  const described = { 'service.name': variables['OTEL_SERVICE_NAME'] ?? name, 'service.version': version };
  const provider = new TracerProvider({
    resource: resources.defaultResource().merge(resources.resourceFromAttributes(described)),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
  });
  return new OtelTracer(provider.getTracer(name, version), () => provider.shutdown());
}

/** The endpoint for all signals is a base URL, the one for traces is used as it is (OpenTelemetry: protocol/exporter). */
function findEndpoint(variables: Variables): string | undefined {
  const traces = variables['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  if (traces) return traces;
  const base = variables['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return base ? `${base.replace(/\/+$/, '')}/${TRACES_PATH}` : undefined;
}
