import type { MetricSnapshot } from '#lib/metric-snapshots';
import { connectToRelay, type RelayConnection } from '../cluster/index.js';
import type { Meters } from './meters.js';

/** Returns the metrics of all workers of this process group; those of this process alone when it has no primary. */
export class MetricsGroup {
  private readonly relay: RelayConnection | undefined;

  constructor(private readonly meters: Meters) {
    this.relay = connectToRelay(() => meters.snapshot());
  }

  collect(): Promise<MetricSnapshot> {
    return this.relay ? this.relay.collect() : this.meters.snapshot();
  }

  close(): void {
    this.relay?.close();
  }
}
