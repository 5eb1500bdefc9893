import { Logger } from '@nestjs/common';
import { PRODUCT } from '#lib/extension-kit';
import type { Variables } from '#lib/config';
import { withDeadline, type Clock } from '#lib/time';
import { readBatchOptions } from './batch-options.js';
import { CallTracer, NoTracer } from './call-tracer.js';
import { OtelTracer } from './otel-tracer.js';
import { createSampling } from './sampler.js';

const TRACES_PATH = 'v1/traces';
/** OpenTelemetry's own variable to opt in to arguments and results. */
const CONTENT_VARIABLE = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';
/** How long the shutdown waits for the export of the last spans, in milliseconds. */
const SHUTDOWN_TIMEOUT_MS = 2_000;

/**
 * Traces calls if the standard variables name an OTLP endpoint: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, or
 * `OTEL_EXPORTER_OTLP_ENDPOINT`. The exporter reads the other `OTEL_EXPORTER_OTLP_*` variables itself. Without an endpoint, with
 * `OTEL_SDK_DISABLED=true` or with `OTEL_TRACES_EXPORTER=none` no package of OpenTelemetry is loaded but its API. Spans
 * contain arguments and results of tools only if `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` is `true`.
 */
export async function openTracer(
  variables: Variables,
  tracesPerSecond: number,
  clock: Clock,
  logger = new Logger('Traces'),
): Promise<CallTracer> {
  const url = findEndpoint(variables);
  if (url === undefined || isDisabled(variables, logger)) return new NoTracer();
  const [sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const { name, version } = PRODUCT;
  const described = { 'service.name': variables['OTEL_SERVICE_NAME'] ?? name, 'service.version': version };
  const { sampler, gate } = createSampling(sdk, variables, { perSecond: tracesPerSecond, clock }, logger);
  const provider = new sdk.TracerProvider({
    sampler,
    resource: resources.defaultResource().merge(resources.resourceFromAttributes(described)),
    spanProcessors: [
      new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }), ...readBatchOptions(variables, logger) }),
    ],
  });
  const hasContents = variables[CONTENT_VARIABLE] === 'true';
  return new OtelTracer(provider.getTracer(name, version), () => shutDownInTime(provider, clock, logger), {
    hasContents,
    ...(gate && { gate }),
  });
}

function isDisabled(
  { OTEL_SDK_DISABLED: isOff, OTEL_TRACES_EXPORTER: given = '' }: Variables,
  logger: Pick<Logger, 'warn'>,
): boolean {
  if (isOff?.toLowerCase() === 'true') return true;
  const exporters = given.split(',').flatMap((name) => name.trim() || []);
  if (exporters.length === 0 || exporters.includes('otlp')) return false;
  if (!exporters.includes('none'))
    logger.warn(`OTEL_TRACES_EXPORTER=${given} is not supported, so no traces are exported. Use otlp or none.`);
  return true;
}

/** A collector that does not answer must not delay the shutdown: its retries alone take ten seconds. */
async function shutDownInTime(
  provider: { shutdown(): Promise<void> },
  clock: Clock,
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  const ending = provider.shutdown().then(() => undefined, String);
  const failure = await withDeadline(clock, SHUTDOWN_TIMEOUT_MS, ending, () => 'the collector did not answer in time');
  if (failure !== undefined) logger.warn(`The last spans were not exported: ${failure}`);
}

/** The endpoint for all signals is a base URL, the one for traces is used as it is (OpenTelemetry: protocol/exporter). */
function findEndpoint(variables: Variables): string | undefined {
  const traces = variables['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  if (traces) return traces;
  const base = variables['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return base ? `${base.replace(/\/+$/, '')}/${TRACES_PATH}` : undefined;
}
