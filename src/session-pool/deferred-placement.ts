import { Injectable } from '@nestjs/common';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import { LocalPlacement, Placement } from './placement.js';
import type { Sharing, ConnectionScope } from './sharing.js';

/**
 * Where the placement of several workers takes its place, once there is one: it is made of what lies above this module.
 * Until then, and for a worker alone, everything is placed here.
 */
@Injectable()
export class DeferredPlacement extends Placement {
  private placement: Placement = new LocalPlacement();
  private readonly listeners = new Set<() => void>();

  /** From now on this one decides. */
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
    face: ConnectionScope,
    sharing: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection> {
    return this.placement.open(worker, server, face, sharing, events);
  }

  override isDead(worker: string): boolean {
    return this.placement.isDead(worker);
  }

  override onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
