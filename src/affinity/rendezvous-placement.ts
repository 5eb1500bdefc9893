import type { WorkerBus } from '#lib/worker-bus';
import type { ServerDefinition } from '../registry/index.js';
import { Placement, type Sharing, type UpstreamFace } from '../session-pool/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import { RemoteConnection } from './remote-connection.js';
import { rendezvous } from './rendezvous.js';
import type { Workers } from './workers.js';

/** Places connections without a session on the worker that rendezvous hashing over the alive workers selects. */
export class RendezvousPlacement extends Placement {
  constructor(
    private readonly me: string,
    private readonly workers: Workers,
    private readonly bus: WorkerBus,
  ) {
    super();
  }

  override placeOf(poolKey: string): string | undefined {
    const [first] = rendezvous(poolKey, this.workers.living);
    return first === this.me ? undefined : first;
  }

  override open(
    worker: string,
    server: ServerDefinition,
    { caller, client }: UpstreamFace,
    _sharing: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection> {
    return RemoteConnection.open(this.bus, { worker, server, caller, client }, events);
  }

  override isGone(worker: string): boolean {
    return !this.workers.living.includes(worker);
  }

  override onChange(listener: () => void): () => void {
    return this.workers.onChange(listener);
  }
}
