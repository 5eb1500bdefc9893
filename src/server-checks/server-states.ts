import type { ServerState } from './server-state.js';

/**
 * The states of servers that all workers share, by the identity of the server. A state that was stored is returned to every
 * worker until it is deleted or no check has renewed it for a day.
 */
export abstract class ServerStates {
  /** Rejects with RedisFault. */
  abstract find(identity: string): Promise<ServerState | undefined>;
  /** Returns the states of the servers that have one. Rejects with RedisFault. */
  abstract findAll(identities: readonly string[]): Promise<ReadonlyMap<string, ServerState>>;
  /** Rejects with RedisFault. */
  abstract store(identity: string, state: ServerState): Promise<void>;
  /** Deletes the state of a server that is checked no more. Rejects with RedisFault. */
  abstract delete(identity: string): Promise<void>;
}

/** For a single worker. */
export class LocalServerStates extends ServerStates {
  private readonly states = new Map<string, ServerState>();

  override async find(identity: string): Promise<ServerState | undefined> {
    return this.states.get(identity);
  }

  override async findAll(identities: readonly string[]): Promise<ReadonlyMap<string, ServerState>> {
    return new Map([...this.states].filter(([identity]) => identities.includes(identity)));
  }

  override async store(identity: string, state: ServerState): Promise<void> {
    this.states.set(identity, state);
  }

  override async delete(identity: string): Promise<void> {
    this.states.delete(identity);
  }
}
