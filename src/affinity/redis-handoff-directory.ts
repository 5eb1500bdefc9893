import { RelayFailure } from '#lib/worker-bus';
import type { RedisCommands, RedisKeys } from '#lib/redis';
import { HandoffDirectory } from './handoff-directory.js';

/** Lifetime of an entry, renewed by every look-up, because a session in use may live longer. */
const ENTRY_TTL_MS = 24 * 60 * 60 * 1000;

/** Stores handoffs in Redis, where every worker finds them. */
export class RedisHandoffDirectory extends HandoffDirectory {
  constructor(
    private readonly commands: RedisCommands,
    private readonly keys: RedisKeys,
  ) {
    super();
  }

  override async findNewOwner(session: string): Promise<string | undefined> {
    const newOwner = await this.commands
      .send('GETEX', this.keys.handoff(session), 'PX', ENTRY_TTL_MS)
      .catch(throwRelayFailure);
    return typeof newOwner === 'string' ? newOwner : undefined;
  }

  override async record(session: string, newOwner: string): Promise<void> {
    await this.commands.send('SET', this.keys.handoff(session), newOwner, 'PX', ENTRY_TTL_MS).catch(throwRelayFailure);
  }

  override async remove(session: string): Promise<void> {
    await this.commands.send('UNLINK', this.keys.handoff(session)).catch(throwRelayFailure);
  }
}

function throwRelayFailure(cause: unknown): never {
  throw new RelayFailure(true, cause);
}
