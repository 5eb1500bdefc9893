import { Injectable } from '@nestjs/common';
import { RelayFailure, WorkerBus } from '#lib/worker-bus';
import { CoordinationUnavailable, OwnerUnreachable, WorkerId, WorkerRegistry } from '../workers/index.js';
import { SessionUnknown } from './affinity.errors.js';
import { HandoffDirectory } from './handoff-directory.js';
import { RemoteSession } from './remote-session.js';
import type { ReadSessionId, SessionBinding } from './session-ids.js';

/** Finds the sessions that other workers own. */
@Injectable()
export class RemoteSessions {
  constructor(
    private readonly workerId: WorkerId,
    private readonly workers: WorkerRegistry,
    private readonly directory: HandoffDirectory,
    private readonly bus: WorkerBus,
  ) {}

  /**
   * Finds a session that is not here, by the owner that its id names. Throws, or rejects with, SessionUnknown where it has
   * no living owner; OwnerUnreachable or CoordinationUnavailable while that cannot be told.
   */
  find(id: string, binding: SessionBinding, known: ReadSessionId): Promise<RemoteSession> {
    if (known.owner === this.workerId.text) throw new SessionUnknown();
    return this.findByOwner(id, binding, known);
  }

  /** The session at a worker that is known to have it. */
  at(owner: string, id: string, { caller, endpoint }: SessionBinding, known: ReadSessionId): RemoteSession {
    const order = { session: id, caller, endpoint };
    const whither = () => this.directory.findNewOwner(id).then((heir) => (heir === owner ? undefined : heir), noOwner);
    return new RemoteSession({ order, owner, revision: known.revision }, { bus: this.bus, findNewOwner: whither });
  }

  private async findByOwner(id: string, binding: SessionBinding, known: ReadSessionId): Promise<RemoteSession> {
    try {
      const state = await this.workers.status(known.owner);
      if (state === 'alive') return this.at(known.owner, id, binding, known);
      const heir = await this.directory.findNewOwner(id);
      const stateOfHeir = heir === undefined ? state : await this.workers.status(heir);
      if (heir !== undefined && stateOfHeir === 'alive') return this.at(heir, id, binding, known);
      throw stateOfHeir === 'gone' ? new SessionUnknown() : new OwnerUnreachable();
    } catch (cause) {
      throw cause instanceof RelayFailure ? new CoordinationUnavailable() : cause;
    }
  }
}

const noOwner = (): undefined => undefined;
