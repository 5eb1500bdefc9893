import { Injectable } from '@nestjs/common';
import { CallerAuthenticator } from '../auth/index.js';
import { ListCache } from '../dispatch/index.js';
import { DecisionCounts } from '../guardrails/index.js';
import { ExtensionConsumers } from '../extensions/index.js';
import { Limits } from '../limits/index.js';
import { UpstreamConnector } from '../upstream/index.js';
import { LabelValues, MAX_LIMIT_SERIES } from './label-values.js';
import type { Meters, Observation } from './meters.js';
import { counter } from './observed-metrics.js';

interface Lookups {
  readonly hits: number;
  readonly misses: number;
}

/** What caches, limits, guardrails and consumers of extensions have counted, read when the metrics are collected. */
@Injectable()
export class StoredCounters {
  private readonly limitNames = new LabelValues(MAX_LIMIT_SERIES);

  constructor(
    private readonly lists: ListCache,
    private readonly callers: CallerAuthenticator,
    private readonly connector: UpstreamConnector,
    private readonly limits: Limits,
    private readonly decisions: DecisionCounts,
    private readonly consumers: ExtensionConsumers,
  ) {}

  register(meters: Meters): void {
    const { lists, callers, connector } = this;
    const lookups = () => [
      ...toObservations('list', lists.lookups),
      ...toObservations('caller', callers.lookups),
      ...toObservations('discovery', connector.profileLookups),
    ];
    const help = 'Look-ups in the caches of lists, of verified callers and of profiles of modern servers.';
    meters.observe(counter('isthmus_cache_lookups_total', help, lookups, ['cache', 'result']));
    const limited = 'Calls that a configured limit refused.';
    meters.observe(counter('isthmus_limits_reached_total', limited, () => this.readLimits(), ['limit']));
    const decided = 'Decisions of guardrails about arguments, results, definitions and questions.';
    meters.observe(counter('isthmus_guardrail_decisions_total', decided, () => this.readDecisions(), DECISION_LABELS));
    const dropped = 'Events and call records that an extension did not receive because it was too slow.';
    const drops = () => this.readDrops();
    meters.observe(counter('isthmus_extension_drops_total', dropped, drops, ['kind', 'contribution']));
  }

  private readDecisions(): Observation[] {
    return this.decisions.list().map(({ guardrail, check, phase, mode, decision, count }) => ({
      labels: { guardrail, check, phase, mode, decision },
      value: count,
    }));
  }

  private readLimits(): Observation[] {
    return Array.from(this.limits.refused, ([slug, { count }]) => ({
      labels: { limit: this.limitNames.of(slug) },
      value: count,
    }));
  }

  private readDrops(): Observation[] {
    return this.consumers.drops.map(({ kind, contribution, count }) => ({
      labels: { kind, contribution },
      value: count,
    }));
  }
}

const DECISION_LABELS = ['guardrail', 'check', 'phase', 'mode', 'decision'];

const toObservations = (cache: string, { hits, misses }: Lookups): Observation[] => [
  { labels: { cache, result: 'hit' }, value: hits },
  { labels: { cache, result: 'miss' }, value: misses },
];
