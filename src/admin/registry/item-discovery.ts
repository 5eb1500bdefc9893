import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Items } from '../../items/index.js';
import { ServerRegistry, type ServerDefinition } from '../../registry/index.js';
import { ConnectionTest, type ConnectionTestResult } from '../../upstream/index.js';

const MOST_AT_ONCE = 4;

/** Looks at what servers list, so that people see it before any client has asked for it. */
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

  /** Tries to reach it as if nothing were known of it, and takes note of what it lists. */
  run(server: ServerDefinition): Promise<ConnectionTestResult> {
    const take: Parameters<ConnectionTest['run']>[1] = (kind, page) => {
      // It may have been configured anew meanwhile: what another server lists must not be taken for its own.
      if (this.registry.snapshot.servers.includes(server)) this.items.observe(server, kind, page);
    };
    return this.trial.run(server, take, this.stop.signal);
  }

  /** Looks at it soon, as it is configured then. Nobody waits for that: what fails is said in the log. */
  schedule(slug: string): void {
    this.pending.add(slug);
    this.startNext();
  }

  private startNext(): void {
    const [slug] = this.pending;
    if (slug === undefined || this.running.size >= MOST_AT_ONCE || this.stop.signal.aborted) return;
    this.pending.delete(slug);
    const looking = this.discover(slug).finally(() => {
      this.running.delete(looking);
      this.startNext();
    });
    this.running.add(looking);
    this.startNext();
  }

  private async discover(slug: string): Promise<void> {
    const server = this.registry.find(slug);
    if (!server) return;
    try {
      const told = await this.run(server);
      if (!told.reachable && !this.stop.signal.aborted) {
        this.logger.warn(`What ${slug} has could not be looked at: ${told.reason}`);
      }
    } catch (cause) {
      this.logger.error(`What ${slug} has could not be looked at: ${String(cause)}`);
    }
  }
}
