import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Items } from '../../items/index.js';
import { ServerRegistry, type ServerDefinition } from '../../registry/index.js';
import { ConnectionTest, type ConnectionTestResult } from '../../upstream/index.js';

const MAX_CONCURRENT = 4;

/** Reads the lists of servers, so that admins see their items before any client has requested them. */
@Injectable()
export class ItemDiscovery implements OnApplicationShutdown {
  private readonly logger = new Logger('Discovery');
  private readonly pending = new Set<string>();
  private readonly running = new Set<Promise<void>>();
  private readonly stop = new AbortController();

  constructor(
    private readonly trial: ConnectionTest,
    private readonly items: Items,
    private readonly registry: ServerRegistry,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    this.pending.clear();
    this.stop.abort();
    await Promise.all(this.running);
  }

  /** Connects to the server without cached state, and records the items that it lists. */
  run(server: ServerDefinition): Promise<ConnectionTestResult> {
    const observe: Parameters<ConnectionTest['run']>[1] = (kind, page) => {
      // If the server was reconfigured in the meantime, its items must not be attributed to the new definition.
      if (this.registry.snapshot.servers.includes(server)) this.items.observe(server, kind, page);
    };
    return this.trial.run(server, observe, this.stop.signal);
  }

  /** Deletes what is stored about the items of deleted servers, so that it does not accumulate. Failures are logged. */
  async forget(deleted: readonly ServerDefinition[]): Promise<void> {
    for (const server of deleted) {
      try {
        await this.items.forget(server);
      } catch (cause) {
        this.logger.warn(`Failed to delete the items of server ${server.slug}: ${String(cause)}`);
      }
    }
  }

  /** Schedules a discovery with the definition of the server at that time. Failures are logged. */
  schedule(slug: string): void {
    this.pending.add(slug);
    this.startNext();
  }

  private startNext(): void {
    const [slug] = this.pending;
    if (slug === undefined || this.running.size >= MAX_CONCURRENT || this.stop.signal.aborted) return;
    this.pending.delete(slug);
    const task = this.discover(slug).finally(() => {
      this.running.delete(task);
      this.startNext();
    });
    this.running.add(task);
    this.startNext();
  }

  private async discover(slug: string): Promise<void> {
    const server = this.registry.find(slug);
    if (!server) return;
    try {
      const result = await this.run(server);
      if (!result.reachable && !this.stop.signal.aborted) {
        this.logger.warn(`Failed to discover the items of server ${slug}: ${result.reason}`);
      }
    } catch (cause) {
      this.logger.error(`Failed to discover the items of server ${slug}: ${String(cause)}`);
    }
  }
}
