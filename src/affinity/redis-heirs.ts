import { RelayFailure } from '#lib/worker-bus';
import type { RedisCommands, RedisKeys } from '#lib/redis';
import { Heirs } from './heirs.js';

/** Counted anew whenever somebody asks: a session that is used may well live longer. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** In Redis, where any worker finds them. */
export class RedisHeirs extends Heirs {
  constructor(
    private readonly commands: RedisCommands,
    private readonly keys: RedisKeys,
  ) {
    super();
  }

  override async of(session: string): Promise<string | undefined> {
    const heir = await this.commands.send('GETEX', this.keys.moved(session), 'PX', KEPT_MS).catch(failed);
    return typeof heir === 'string' ? heir : undefined;
  }

  override async remember(session: string, heir: string): Promise<void> {
    await this.commands.send('SET', this.keys.moved(session), heir, 'PX', KEPT_MS).catch(failed);
  }

  override async forget(session: string): Promise<void> {
    await this.commands.send('UNLINK', this.keys.moved(session)).catch(failed);
  }
}

function failed(cause: unknown): never {
  throw new RelayFailure(true, cause);
}
