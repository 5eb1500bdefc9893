import type { JsonObject } from '#lib/mcp-protocol';
import { startRedis } from '#lib/testing/redis-server';
import { AdminClient } from './admin-client.js';
import { Cleanup } from './cleanup.js';
import { startCluster, type ClusterWorker, type TestCluster } from './cluster.js';
import type { GatewaySetup } from './gateway.js';
import { until } from './until.js';

/** Two workers with a shared Redis, and their admin API. */
export class AdminCluster {
  cluster!: TestCluster;
  /** Reads and prepares what a page shows, as `admin`. */
  admin!: AdminClient;
  /** Ends what the test has started. */
  readonly cleanup = new Cleanup();

  /** Resolves when both workers know each other. Needs a build. */
  async startCluster(setup: GatewaySetup): Promise<void> {
    const redis = await startRedis();
    this.cleanup.add(() => redis.stop());
    this.cluster = await startCluster({ workers: 2, redis: redis.url, ...setup });
    this.cleanup.add(() => this.cluster.stop());
    this.admin = new AdminClient(this.cluster, ['admin']);
    await until(async () => ((await this.stored('/workers'))['items'] as unknown[]).length === 2);
  }

  get first(): ClusterWorker {
    return this.cluster.workers[0]!;
  }

  get second(): ClusterWorker {
    return this.cluster.workers[1]!;
  }

  /** What the second worker replies at a path of the admin API, to an admin. */
  async stored(path: string): Promise<JsonObject> {
    return (await this.admin.get(this.second, path)).json;
  }

  /** Creates an entry over the second worker. */
  async create(collection: string, slug: string, entry: object): Promise<void> {
    const { status, json } = await this.admin.send(this.second, 'POST', collection, { body: { slug, entry } });
    if (status !== 201) throw new Error(`${collection}/${slug} was not created: ${JSON.stringify(json)}`);
  }
}
