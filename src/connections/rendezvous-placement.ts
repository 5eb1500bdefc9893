import { Injectable } from '@nestjs/common';
import { PlacementStrategy, type PlacementRequest } from '#lib/extension-kit';
import { rankByRendezvous } from '../workers/index.js';

/** Selects the worker by rendezvous hashing: when a worker dies, only its own connections move. */
@Injectable()
export class RendezvousPlacement extends PlacementStrategy {
  override place({ key, workers }: PlacementRequest): string {
    const [first = ''] = rankByRendezvous(key, workers);
    return first;
  }
}
