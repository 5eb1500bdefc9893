import { RelayFailure } from '#lib/worker-bus';
import type { RedisCommands, RedisKeys } from '#lib/redis';
import { Heirs } from './heirs.js';

/** Lifetime of an entry, renewed by every look-up, because a session in use may live longer. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** Stores handoffs in Redis, where every worker finds them. */
export class RedisHeirs extends Heirs {
  constructor(
    private readonly commands: RedisCommands,
    private readonly keys: RedisKeys,
  ) {
    super();
  }

  override async of(session: string): Promise<string | undefined> {
    const newOwner = await this.commands.send('GETEX', this.keys.moved(session), 'PX', KEPT_MS).catch(failed);
    return typeof newOwner === 'string' ? newOwner : undefined;
  }

  override async remember(session: string, newOwner: string): Promise<void> {
    await this.commands.send('SET', this.keys.moved(session), newOwner, 'PX', KEPT_MS).catch(failed);
  }

  override async forget(session: string): Promise<void> {
    await this.commands.send('UNLINK', this.keys.moved(session)).catch(failed);
  }
}

function failed(cause: unknown): never {
  throw new RelayFailure(true, cause);
}
