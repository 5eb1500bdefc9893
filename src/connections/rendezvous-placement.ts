import type { Clock } from '#lib/time';
import type { WorkerBus } from '#lib/worker-bus';
import type { ServerDefinition } from '../registry/index.js';
import { Placement } from './placement.js';
import { clientEraOf, type Sharing, type ConnectionScope } from './sharing.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import { RemoteConnection } from './remote-connection.js';
import { rankByRendezvous, type WorkerRegistry } from '../workers/index.js';

/** Places connections without a session on the worker that rendezvous hashing over the alive workers selects. */
export class RendezvousPlacement extends Placement {
  constructor(
    private readonly workerId: string,
    private readonly workers: WorkerRegistry,
    private readonly bus: WorkerBus,
    private readonly clock: Clock,
  ) {
    super();
  }

  override ownerOf(poolKey: string): string | undefined {
    const [first] = rankByRendezvous(poolKey, this.workers.aliveIds);
    return first === this.workerId ? undefined : first;
  }

  override open(
    worker: string,
    server: ServerDefinition,
    scope: ConnectionScope,
    _sharing: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection> {
    const { caller, client } = scope;
    const target = { worker, server, caller, client, clientEra: clientEraOf(server, scope) };
    return RemoteConnection.open(this.bus, target, events, this.clock);
  }

  override isDead(worker: string): boolean {
    return !this.workers.aliveIds.includes(worker);
  }

  override onChange(listener: () => void): () => void {
    return this.workers.onWorkerDead(listener);
  }
}
