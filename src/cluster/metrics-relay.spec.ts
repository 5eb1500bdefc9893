import { describe, expect, it } from '@jest/globals';
import type { MetricSnapshot } from '#lib/metric-snapshots';
import { ManualClock } from '#lib/testing/manual-clock';
import { MetricsRelay, type MeteredWorker, type MetricsMessage } from './metrics-relay.js';

const calls = (value: number): MetricSnapshot => [
  { name: 'calls', help: '', type: 'counter', values: [{ value, labels: {} }] },
  { name: 'sessions', help: '', type: 'gauge', values: [{ value: 1, labels: {} }] },
];

class FakeWorker implements MeteredWorker {
  readonly received: MetricsMessage[] = [];
  isSilent = false;

  constructor(
    private readonly relay: MetricsRelay,
    public count: number,
  ) {
    relay.addWorker(this);
  }

  send(message: MetricsMessage): void {
    this.received.push(message);
    if (message.kind !== 'read' || this.isSilent) return;
    void this.relay.handle(this, { kind: 'snapshot', round: message.round, snapshot: calls(this.count) });
  }

  /** The counter, the gauge and the number of workers in the sum. */
  async collect(): Promise<readonly (number | undefined)[]> {
    await this.relay.handle(this, { kind: 'collect', id: 7 });
    const sum = this.received.findLast((message) => message.kind === 'sum');
    if (sum?.kind !== 'sum' || sum.id !== 7) return [];
    const valueOf = (name: string) =>
      (sum.snapshot as MetricSnapshot).find((metric) => metric.name === name)?.values[0]?.value;
    return [valueOf('calls'), valueOf('sessions'), sum.reporting];
  }
}

function world() {
  const clock = new ManualClock();
  const relay = new MetricsRelay(clock);
  return { clock, relay, workers: [new FakeWorker(relay, 10), new FakeWorker(relay, 5)] as const };
}

describe('the metrics of several workers', () => {
  it('are the sum, whichever worker answers', async () => {
    const { workers } = world();
    for (const worker of workers) expect(await worker.collect()).toEqual([15, 2, 2]);
  });

  it('keep the counts of a worker that exited, so that no counter decreases, and not its state', async () => {
    const { relay, workers } = world();
    await workers[0].collect();
    relay.removeWorker(workers[1]);
    relay.removeWorker(workers[1]);
    expect(await workers[0].collect()).toEqual([15, 1, 1]);
    const replacement = new FakeWorker(relay, 1);
    expect(await replacement.collect()).toEqual([16, 2, 2]);
  });

  it('contain the last values of a worker that does not answer, and say how many answered', async () => {
    const { clock, workers } = world();
    await workers[0].collect();
    workers[1].isSilent = true;
    workers[0].count = 20;
    const collected = workers[0].collect();
    await clock.advance(2_000);
    expect(await collected).toEqual([25, 2, 1]);
    expect(clock.pending).toBe(0);
  });

  it('ignore a snapshot that is none', async () => {
    const { clock, relay, workers } = world();
    workers[1].isSilent = true;
    const collected = workers[0].collect();
    await relay.handle(workers[1], { kind: 'snapshot', round: 1, snapshot: 'x' });
    await clock.advance(2_000);
    expect(await collected).toEqual([10, 1, 1]);
  });
});
