import { Injectable } from '@nestjs/common';
import { EventArchive, replayOrphanedStream, type StreamEvent } from '../session-pool/index.js';
import { CoordinationUnavailable } from '../workers/index.js';
import { SessionUnknown } from './affinity.errors.js';
import { SessionIds, type SessionBinding } from './session-ids.js';

/** The rest of a session's stream after the owner died. */
export interface OrphanedStream {
  /** Protocol revision of the client. */
  readonly revision: string;
  /** The events that follow the client's last event on this stream. */
  readonly events: readonly StreamEvent[];
}

/** The streams of sessions whose owners have died. */
@Injectable()
export class OrphanedStreams {
  constructor(
    private readonly ids: SessionIds,
    private readonly archive: EventArchive,
  ) {}

  /**
   * Replays a stream whose session died with its owner: the events that the client missed, and an error for a call that
   * was not answered. Rejects with SessionUnknown when nothing is stored.
   */
  async replay(id: string, binding: SessionBinding, lastEventId: string): Promise<OrphanedStream> {
    const content = this.ids.read(id, binding);
    const orphaned = content && (await replayOrphanedStream(this.archive, id, lastEventId).catch(throwUnavailable));
    if (!orphaned) throw new SessionUnknown();
    return { revision: content.revision, events: orphaned.events };
  }
}

function throwUnavailable(): never {
  throw new CoordinationUnavailable();
}
