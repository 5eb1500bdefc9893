import { Injectable } from '@nestjs/common';
import { AuditMetrics } from './audit-metrics.js';
import { DependencyGauges } from './dependency-gauges.js';
import { Gauges } from './gauges.js';
import type { Meters } from './meters.js';
import { ProcessGauges } from './process-gauges.js';
import { SessionMetrics } from './session-metrics.js';
import { StoredCounters } from './stored-counters.js';

/** Everything that is measured beside the calls. */
@Injectable()
export class MetricSources {
  private readonly sources: readonly { register(meters: Meters): void }[];

  constructor(
    gauges: Gauges,
    dependencies: DependencyGauges,
    counters: StoredCounters,
    sessions: SessionMetrics,
    ofProcess: ProcessGauges,
    audit: AuditMetrics,
  ) {
    this.sources = [sessions, counters, gauges, dependencies, audit, ofProcess];
  }

  register(meters: Meters): void {
    for (const source of this.sources) source.register(meters);
  }
}
