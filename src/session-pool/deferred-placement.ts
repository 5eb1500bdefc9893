import { Injectable } from '@nestjs/common';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import { LocalPlacement, Placement } from './placement.js';
import type { Sharing, ConnectionScope } from './sharing.js';

/**
 * Delegates to the placement that a higher module binds for several workers. Until then, and for a single worker, every
 * connection belongs to this worker.
 */
@Injectable()
export class DeferredPlacement extends Placement {
  private placement: Placement = new LocalPlacement();
  private readonly listeners = new Set<() => void>();

  /** Delegates to the given placement from now on. */
  bind(placement: Placement): void {
    this.placement = placement;
    placement.onChange(() => {
      for (const listener of this.listeners) listener();
    });
  }

  override ownerOf(poolKey: string): string | undefined {
    return this.placement.ownerOf(poolKey);
  }

  override open(
    worker: string,
    server: ServerDefinition,
    scope: ConnectionScope,
    sharing: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection> {
    return this.placement.open(worker, server, scope, sharing, events);
  }

  override isDead(worker: string): boolean {
    return this.placement.isDead(worker);
  }

  override onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
