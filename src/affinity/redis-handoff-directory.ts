import { RelayFailure } from '#lib/worker-bus';
import type { RedisCommands, RedisKeys } from '#lib/redis';
import { HandoffDirectory } from './handoff-directory.js';

/** Counted anew whenever somebody asks: a session that is used may well live longer. */
const ENTRY_TTL_MS = 24 * 60 * 60 * 1000;

/** In Redis, where any worker finds them. */
export class RedisHandoffDirectory extends HandoffDirectory {
  constructor(
    private readonly commands: RedisCommands,
    private readonly keys: RedisKeys,
  ) {
    super();
  }

  override async findNewOwner(session: string): Promise<string | undefined> {
    const heir = await this.commands
      .send('GETEX', this.keys.moved(session), 'PX', ENTRY_TTL_MS)
      .catch(throwRelayFailure);
    return typeof heir === 'string' ? heir : undefined;
  }

  override async record(session: string, heir: string): Promise<void> {
    await this.commands.send('SET', this.keys.moved(session), heir, 'PX', ENTRY_TTL_MS).catch(throwRelayFailure);
  }

  override async remove(session: string): Promise<void> {
    await this.commands.send('UNLINK', this.keys.moved(session)).catch(throwRelayFailure);
  }
}

function throwRelayFailure(cause: unknown): never {
  throw new RelayFailure(true, cause);
}
