import { Injectable } from '@nestjs/common';
import type { RequestId } from '#lib/mcp-protocol';

/** The request that a stream answers. */
export interface StreamCall {
  readonly requestId: RequestId;
  readonly method: string;
}

/** An event as other workers find it. */
export interface ArchivedEvent {
  readonly stream: number;
  readonly sequence: number;
  /** The event, as JSON. */
  readonly json: string;
  /** Absent on the stream that belongs to no request. Every event carries it, because the oldest ones go first. */
  readonly call?: StreamCall;
}

/**
 * Keeps the events of sessions beyond the life of their worker, so that any other one can tell a client that comes back
 * what it missed. The owner asks its own memory as long as it lives.
 */
export abstract class EventArchive {
  /** False where there is nobody to keep anything for: then nothing is ever appended. The same for ever. */
  abstract readonly isActive: boolean;

  /** Keeps an event behind those before it. Rejects when that cannot be done now, or cannot be told. */
  abstract append(session: string, event: ArchivedEvent): Promise<void>;

  /** What is kept of a session; nothing for one that nothing is known of. Rejects when it cannot be read now. */
  abstract read(session: string): Promise<readonly ArchivedEvent[]>;

  /** Nobody can come back for the session any more. */
  abstract delete(session: string): Promise<void>;
}

/** One worker alone: its sessions end with it. */
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
