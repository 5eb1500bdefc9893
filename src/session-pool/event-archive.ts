import { Injectable } from '@nestjs/common';
import type { RequestId } from '#lib/mcp-protocol';

/** The request that a stream answers. */
export interface StreamCall {
  readonly requestId: RequestId;
  readonly method: string;
}

/** An event as it is stored for other workers. */
export interface ArchivedEvent {
  readonly stream: number;
  readonly sequence: number;
  /** The event, as JSON. */
  readonly json: string;
  /** Undefined on the server stream. Every event carries it, because the oldest events are evicted first. */
  readonly call?: StreamCall;
}

/**
 * Stores the events of sessions beyond the life of their worker, so that any other worker can replay them to a client
 * that resumes. A living owner replays from its own memory.
 */
export abstract class EventArchive {
  /** False if there is no other worker: no event is then appended. Constant for the life of the archive. */
  abstract readonly isActive: boolean;

  /** Appends an event after the earlier ones. Rejects if it was not stored, or if that is unknown. */
  abstract append(session: string, event: ArchivedEvent): Promise<void>;

  /**
   * Returns the stored events of a session; an empty list for an unknown session. Rejects if they cannot be read now.
   */
  abstract read(session: string): Promise<readonly ArchivedEvent[]>;

  /** Deletes the events of a session that can no longer be resumed. */
  abstract delete(session: string): Promise<void>;
}

/** For a single worker, whose sessions end with it. */
@Injectable()
export class NullEventArchive extends EventArchive {
  override readonly isActive = false;

  override append(): Promise<void> {
    return Promise.resolve();
  }

  override read(): Promise<readonly ArchivedEvent[]> {
    return Promise.resolve([]);
  }

  override delete(): Promise<void> {
    return Promise.resolve();
  }
}
