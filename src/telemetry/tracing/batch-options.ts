import type { Logger } from '@nestjs/common';
import type { BatchSpanProcessorOptions } from '@opentelemetry/sdk-trace';
import type { Variables } from '#lib/config';

type BatchOptions = Pick<
  BatchSpanProcessorOptions,
  'scheduledDelayMillis' | 'exportTimeoutMillis' | 'maxQueueSize' | 'maxExportBatchSize'
>;

/** A timer of Node with a longer delay would fire at once. */
const MAX_VALUE = 2 ** 31 - 1;

/** The standard variables, and the smallest value of each. Delays are in milliseconds, sizes in spans. */
const VARIABLES = [
  ['OTEL_BSP_SCHEDULE_DELAY', 'scheduledDelayMillis', 0],
  ['OTEL_BSP_EXPORT_TIMEOUT', 'exportTimeoutMillis', 1],
  ['OTEL_BSP_MAX_QUEUE_SIZE', 'maxQueueSize', 1],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'maxExportBatchSize', 1],
] as const satisfies readonly (readonly [string, keyof BatchOptions, number])[];

/**
 * Returns how spans are batched, as the variables `OTEL_BSP_*` describe it; this version of the SDK does not read them. An invalid value is
 * ignored with a warning (OpenTelemetry: Environment Variable Specification).
 */
export function readBatchOptions(variables: Variables, logger: Pick<Logger, 'warn'>): BatchOptions {
  const options: { -readonly [Name in keyof BatchOptions]: BatchOptions[Name] } = {};
  for (const [variable, option, min] of VARIABLES) {
    const given = variables[variable]?.trim();
    if (!given) continue;
    const value = Number(given);
    if (Number.isInteger(value) && value >= min && value <= MAX_VALUE) options[option] = value;
    else logger.warn(`${variable}=${given} is no integer from ${min} to ${MAX_VALUE}; the default is used.`);
  }
  return options;
}
