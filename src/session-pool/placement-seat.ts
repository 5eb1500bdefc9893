import { Injectable } from '@nestjs/common';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import { PlacedHere, Placement } from './placement.js';
import type { Sharing, UpstreamFace } from './sharing.js';

/**
 * Where the placement of several workers takes its place, once there is one: it is made of what lies above this module.
 * Until then, and for a worker alone, everything is placed here.
 */
@Injectable()
export class PlacementSeat extends Placement {
  private placement: Placement = new PlacedHere();
  private readonly listeners = new Set<() => void>();

  /** From now on this one decides. */
  take(placement: Placement): void {
    this.placement = placement;
    placement.onChange(() => {
      for (const listener of this.listeners) listener();
    });
  }

  override placeOf(poolKey: string): string | undefined {
    return this.placement.placeOf(poolKey);
  }

  override open(
    worker: string,
    server: ServerDefinition,
    face: UpstreamFace,
    sharing: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection> {
    return this.placement.open(worker, server, face, sharing, events);
  }

  override isGone(worker: string): boolean {
    return this.placement.isGone(worker);
  }

  override onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
