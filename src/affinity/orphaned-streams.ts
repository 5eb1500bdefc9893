import { Injectable } from '@nestjs/common';
import { EventArchive, replayOrphanedStream, type StreamEvent } from '../session-pool/index.js';
import { CoordinationUnavailable } from '../workers/index.js';
import { SessionUnknown } from './affinity.errors.js';
import { SessionIds, type SessionBinding } from './session-ids.js';

/** What a session leaves that is gone with its worker. */
export interface OrphanedStream {
  /** Revision that its client speaks. */
  readonly revision: string;
  /** What followed on the stream that its client comes back for. */
  readonly events: readonly StreamEvent[];
}

/** The streams of sessions whose workers are gone. */
@Injectable()
export class OrphanedStreams {
  constructor(
    private readonly ids: SessionIds,
    private readonly archive: EventArchive,
  ) {}

  /**
   * What a session that is gone with its worker leaves to a client that comes back for a stream: the events that it
   * missed, and the end of a call whose answer never came. Rejects with SessionUnknown where nothing was left.
   */
  async replay(id: string, binding: SessionBinding, lastEventId: string): Promise<OrphanedStream> {
    const known = this.ids.read(id, binding);
    const left = known && (await replayOrphanedStream(this.archive, id, lastEventId).catch(throwUnavailable));
    if (!left) throw new SessionUnknown();
    return { revision: known.revision, events: left.events };
  }
}

function throwUnavailable(): never {
  throw new CoordinationUnavailable();
}
