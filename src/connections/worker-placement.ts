import { toGuardedServer, type PlacementStrategy } from '#lib/extension-kit';
import type { Clock } from '#lib/time';
import type { WorkerBus } from '#lib/worker-bus';
import type { ServerDefinition } from '../registry/index.js';
import { Placement } from './placement.js';
import { clientEraOf, type Sharing, type ConnectionScope } from './sharing.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import { RemoteConnection } from './remote-connection.js';
import type { WorkerRegistry } from '../workers/index.js';

/** Places connections without a session on the alive worker that the strategy selects. */
export class WorkerPlacement extends Placement {
  constructor(
    private readonly workerId: string,
    private readonly workers: WorkerRegistry,
    private readonly bus: WorkerBus,
    private readonly clock: Clock,
    private readonly strategy: PlacementStrategy,
  ) {
    super();
  }

  override ownerOf(key: string, server: ServerDefinition): string | undefined {
    const workers = this.workers.aliveIds.toSorted();
    const owner = this.strategy.place({ key, server: toGuardedServer(server), workers });
    return owner === this.workerId ? undefined : owner;
  }

  override open(
    worker: string,
    server: ServerDefinition,
    scope: ConnectionScope,
    { account }: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection> {
    const { caller, client } = scope;
    const target = { worker, server, caller, client, clientEra: clientEraOf(server, scope), account };
    return RemoteConnection.open(this.bus, target, events, this.clock);
  }

  override isDead(worker: string): boolean {
    return !this.workers.aliveIds.includes(worker);
  }

  override onChange(listener: () => void): () => void {
    return this.workers.onWorkerDead(listener);
  }
}
