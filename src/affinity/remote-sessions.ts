import { Injectable } from '@nestjs/common';
import { Clock } from '#lib/time';
import { RelayFailure, WorkerBus } from '#lib/worker-bus';
import { CoordinationUnavailable, OwnerUnreachable, WorkerId, WorkerRegistry } from '../workers/index.js';
import { SessionUnknown } from './affinity.errors.js';
import { HandoffDirectory } from './handoff-directory.js';
import { RemoteSession } from './remote-session.js';
import type { ReadSessionId, SessionBinding } from './session-ids.js';

/** Locates the sessions that other workers own. */
@Injectable()
export class RemoteSessions {
  constructor(
    private readonly workerId: WorkerId,
    private readonly workers: WorkerRegistry,
    private readonly directory: HandoffDirectory,
    private readonly bus: WorkerBus,
    private readonly clock: Clock,
  ) {}

  /**
   * Locates a session that is not on this worker, by the owner that its id names. Throws, or rejects with, SessionUnknown
   * when it has no live owner; OwnerUnreachable or CoordinationUnavailable while that cannot be determined.
   */
  find(id: string, binding: SessionBinding, content: ReadSessionId): Promise<RemoteSession> {
    if (content.owner === this.workerId.text) throw new SessionUnknown();
    return this.findByOwner(id, binding, content);
  }

  /** Returns the session at a worker that is known to own it. */
  at(owner: string, id: string, { caller, endpoint }: SessionBinding, { revision }: ReadSessionId): RemoteSession {
    const order = { session: id, caller, endpoint };
    const findNewOwner = () =>
      this.directory.findNewOwner(id).then((newOwner) => (newOwner === owner ? undefined : newOwner), noOwner);
    return new RemoteSession({ order, owner, revision }, { bus: this.bus, clock: this.clock, findNewOwner });
  }

  private async findByOwner(id: string, binding: SessionBinding, content: ReadSessionId): Promise<RemoteSession> {
    try {
      const status = await this.workers.status(content.owner);
      if (status === 'alive') return this.at(content.owner, id, binding, content);
      const newOwner = await this.directory.findNewOwner(id);
      const newOwnerStatus = newOwner === undefined ? status : await this.workers.status(newOwner);
      if (newOwner !== undefined && newOwnerStatus === 'alive') return this.at(newOwner, id, binding, content);
      throw newOwnerStatus === 'dead' ? new SessionUnknown() : new OwnerUnreachable();
    } catch (cause) {
      throw cause instanceof RelayFailure ? new CoordinationUnavailable() : cause;
    }
  }
}

const noOwner = (): undefined => undefined;
