import type { ServerDefinition } from '../registry/index.js';
import type { PoolEntry } from './pool-entry.js';

/** A session at a server that has ended. */
interface EndedSession {
  readonly revision: string;
  readonly transport: ServerDefinition['transport'];
  /** How long this worker had it, in milliseconds. */
  readonly durationMs: number;
}

type EndListener = (ended: EndedSession) => void;

/** Reports the sessions at servers that end at this worker: those of legacy servers, and processes of servers. */
export class EndedSessions {
  private listener: EndListener | undefined;

  /** Calls the listener with each session that ends. There is one listener. A session that moves to another worker does not end. */
  listen(listener: EndListener): void {
    this.listener = listener;
  }

  /** @param now monotonic time */
  report(entry: PoolEntry, now: number): void {
    const { connection, openedAt, server } = entry;
    if (!this.listener || !connection || openedAt === undefined || !ownsSession(entry)) return;
    const { revision } = connection.profile;
    this.listener({ revision, transport: server.transport, durationMs: now - openedAt });
  }

  /** Reports one that no connection of this worker has continued. */
  reportKept(ended: EndedSession): void {
    this.listener?.(ended);
  }
}

/** A modern server has no session over HTTP, and a lease is none of this worker. */
export const ownsSession = ({ connection, server, remoteWorker }: PoolEntry): boolean =>
  remoteWorker === undefined && (connection?.profile.era === 'legacy' || server.transport === 'stdio');
