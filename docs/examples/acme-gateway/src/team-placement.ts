import { Injectable } from '@nestjs/common';
import { InjectDefault, PlacementStrategy, type PlacementRequest } from 'isthmus/extension-kit';

/** Keeps the connections of a team's servers at one worker, so that a team whose servers need much memory slows down one worker only. */
@Injectable()
export class TeamPlacement extends PlacementStrategy {
  constructor(@InjectDefault(PlacementStrategy) private readonly standard: PlacementStrategy) {
    super();
  }

  override place(request: PlacementRequest): string {
    const { team } = request.server;
    return this.standard.place(team === undefined ? request : { ...request, key: `team ${team}` });
  }
}
