import type { JsonObject } from '#lib/mcp-protocol';
import { AdminClient } from './admin-client.js';
import type { ClusterWorker, TestCluster } from './cluster.js';
import { until } from './until.js';

/** A line of a call in the log. */
export type CallLine = Readonly<Record<string, unknown>> & {
  readonly requestId: string;
  readonly outcome: string;
  readonly server: string;
  readonly item: string;
  readonly httpStatus: number;
  readonly totalMs: number;
  readonly ownMs: number;
  readonly serverMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly code?: number;
};

type Labels = Readonly<Record<string, string>>;

/** The value of a metric, summed over both workers and over the series that have these labels. */
export type ReadMetric = (name: string, labels?: Labels) => number;

/** Usage of one tool by one principal. */
export interface UsageCounts {
  readonly calls: number;
  readonly refused: number;
  readonly failed: number;
  readonly unknown: number;
  readonly serverMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** How the accounts grew while some work ran. */
export interface Growth {
  readonly metric: ReadMetric;
  /** By principal, server and tool. */
  usage(subject: string, server: string, tool: string): UsageCounts;
}

const NO_USAGE: UsageCounts = { calls: 0, refused: 0, failed: 0, unknown: 0, serverMs: 0, bytesIn: 0, bytesOut: 0 };

/** Reads what several workers tell about calls: their logs, metrics, usage and audit records. */
export class CallAccounts {
  private readonly auditor: AdminClient;

  constructor(
    cluster: Pick<TestCluster, 'token'>,
    private readonly workers: readonly ClusterWorker[],
    private readonly metricsToken: string,
  ) {
    this.auditor = new AdminClient(cluster, ['auditor']);
  }

  /** The line of the only call in this trace, once it is printed. Throws if there are several. */
  async onlyLineOf(traceId: string): Promise<CallLine> {
    await until(() => this.linesOf(traceId).length > 0);
    return only(this.linesOf(traceId));
  }

  /** The only audit record of a request, once it is written. Throws if there are several. */
  async onlyAuditRecordOf(requestId: string): Promise<JsonObject & { readonly call: JsonObject }> {
    const find = async () => (await this.auditor.get(this.anyWorker, `/audit?requestId=${requestId}`)).json['items'];
    await until(async () => ((await find()) as JsonObject[]).length > 0);
    return only((await find()) as (JsonObject & { readonly call: JsonObject })[]);
  }

  /** The audit records of this kind of request that are written. */
  async findAuditRecords(query: string): Promise<readonly JsonObject[]> {
    return (await this.auditor.get(this.anyWorker, `/audit?${query}`)).json['items'] as JsonObject[];
  }

  async grownBy(work: () => Promise<unknown>): Promise<Growth> {
    const before = { metric: await this.readMetrics(), usage: await this.readUsage() };
    await work();
    const after = { metric: await this.readMetrics(), usage: await this.readUsage() };
    return {
      metric: (name, labels) => after.metric(name, labels) - before.metric(name, labels),
      usage: (...of) => subtract(after.usage(...of), before.usage(...of)),
    };
  }

  async readMetrics(): Promise<ReadMetric> {
    const series: { readonly name: string; readonly labels: string; readonly value: number }[] = [];
    for (const { url } of this.workers) {
      const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${this.metricsToken}` } });
      for (const [, name = '', labels = '', value] of (await response.text()).matchAll(/^(\w+)(\{[^}]*\})? (\S+)$/gm))
        series.push({ name, labels, value: Number(value) });
    }
    return (name, labels = {}) => {
      const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      const isMatch = (text: string) => pairs.every((pair) => text.includes(`{${pair}`) || text.includes(`,${pair}`));
      const matching = series.filter((each) => each.name === name && isMatch(each.labels));
      return matching.reduce((sum, { value }) => sum + value, 0);
    };
  }

  private async readUsage(): Promise<Growth['usage']> {
    let items: JsonObject[] = [];
    // A worker writes its own counts before it answers, so the last answer contains those of all.
    for (const worker of this.workers)
      items = (await this.auditor.get(worker, '/usage?by=principal,tool')).json['items'] as JsonObject[];
    return (subject, server, tool) =>
      (items.find(
        (item) =>
          (item['principal'] as JsonObject | undefined)?.['subject'] === subject &&
          item['server'] === server &&
          item['tool'] === tool,
      ) as UsageCounts | undefined) ?? NO_USAGE;
  }

  private linesOf(traceId: string): CallLine[] {
    const lines = this.workers.flatMap(({ output }) => output.split('\n'));
    const objects = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as CallLine);
    return objects.filter((line) => line['context'] === 'Calls' && line['traceId'] === traceId);
  }

  private get anyWorker(): ClusterWorker {
    return this.workers[0] as ClusterWorker;
  }
}

function only<Item>(items: readonly Item[]): Item {
  const [item, ...others] = items;
  if (item === undefined || others.length > 0) throw new Error(`Expected one, but got ${JSON.stringify(items)}`);
  return item;
}

const subtract = (one: UsageCounts, other: UsageCounts): UsageCounts => ({
  calls: one.calls - other.calls,
  refused: one.refused - other.refused,
  failed: one.failed - other.failed,
  unknown: one.unknown - other.unknown,
  serverMs: one.serverMs - other.serverMs,
  bytesIn: one.bytesIn - other.bytesIn,
  bytesOut: one.bytesOut - other.bytesOut,
});
