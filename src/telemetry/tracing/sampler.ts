import type { Logger } from '@nestjs/common';
import type { Sampler } from '@opentelemetry/sdk-trace';
import type { Variables } from '#lib/config';
import type { Clock } from '#lib/time';
import { SpanGate } from './span-gate.js';
import { TraceRate } from './trace-rate.js';

/** What the SDK of OpenTelemetry offers; it is loaded only if traces are exported. */
type SamplingSdk = Pick<
  typeof import('@opentelemetry/sdk-trace'),
  'AlwaysOffSampler' | 'AlwaysOnSampler' | 'ParentBasedSampler' | 'RandomIdGenerator' | 'TraceIdRatioBasedSampler'
>;

const DEFAULT_RATIO = 1;
const PARENT_BASED = 'parentbased_';

/** What decides how many traces begin here without `OTEL_TRACES_SAMPLER`. */
interface DefaultRate {
  readonly perSecond: number;
  readonly clock: Clock;
}

/** How spans are sampled. */
export interface Sampling {
  /** Decides for spans that are made. */
  readonly sampler: Sampler;
  /** Decides which spans are made. Absent: all of them. */
  readonly gate?: SpanGate;
}

/**
 * Returns the sampling that `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` describe. By default, traces of clients follow the
 * decision of the client, and those that begin here are limited in rate. An invalid value is ignored with a warning
 * (OpenTelemetry: Environment Variable Specification).
 */
export function createSampling(
  sdk: SamplingSdk,
  { OTEL_TRACES_SAMPLER: given, OTEL_TRACES_SAMPLER_ARG: argument }: Variables,
  { perSecond, clock }: DefaultRate,
  logger: Pick<Logger, 'warn'>,
): Sampling {
  const { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, RandomIdGenerator, TraceIdRatioBasedSampler } = sdk;
  const roots = new Map<string, () => Sampler>([
    ['always_on', () => new AlwaysOnSampler()],
    ['always_off', () => new AlwaysOffSampler()],
    ['traceidratio', () => new TraceIdRatioBasedSampler(readRatio(argument, logger))],
  ]);
  const isParentBased = given?.startsWith(PARENT_BASED) === true;
  const create = roots.get(isParentBased ? given.slice(PARENT_BASED.length) : (given ?? ''));
  if (create) return { sampler: isParentBased ? new ParentBasedSampler({ root: create() }) : create() };
  if (given) logger.warn(`OTEL_TRACES_SAMPLER=${given} is not supported; traces are limited in rate. ${SUPPORTED}`);
  const gate = new SpanGate(new TraceRate(perSecond, clock), new RandomIdGenerator());
  return { sampler: new AlwaysOnSampler(), gate };
}

const SUPPORTED = 'Use always_on, always_off, traceidratio, or one of them after parentbased_.';

function readRatio(argument: string | undefined, logger: Pick<Logger, 'warn'>): number {
  if (argument === undefined || argument === '') return DEFAULT_RATIO;
  const ratio = Number(argument);
  if (ratio >= 0 && ratio <= 1) return ratio;
  logger.warn(`OTEL_TRACES_SAMPLER_ARG=${argument} is no number from 0 to 1; every trace is sampled.`);
  return DEFAULT_RATIO;
}
