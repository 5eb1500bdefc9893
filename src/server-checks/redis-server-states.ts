import { createHash } from 'node:crypto';
import { JsonCipher } from '#lib/sealing';
import type { SharedRedis } from '../coordination/index.js';
import type { ServerState } from './server-state.js';
import { ServerStates } from './server-states.js';

const LABEL = 'server-checks state 1';
/** Of servers that no worker checks any more. */
const TTL_MS = 86_400_000;

/** Stores states in Redis, encrypted: the details of failures may show addresses and outputs of programs. */
export class RedisServerStates extends ServerStates {
  private readonly cipher: JsonCipher<ServerState>;

  /** @param secret the common secret of all workers */
  constructor(
    private readonly redis: Pick<SharedRedis, 'commands' | 'keys'>,
    secret: Buffer,
  ) {
    super();
    this.cipher = new JsonCipher(secret, LABEL);
  }

  /** A state that no worker of this version encrypted counts as missing. */
  override async find(identity: string): Promise<ServerState | undefined> {
    return this.cipher.decrypt(await this.redis.commands.send('GET', this.keyOf(identity)), identity);
  }

  override async findAll(identities: readonly string[]): Promise<ReadonlyMap<string, ServerState>> {
    const found = await Promise.all(identities.map(async (identity) => [identity, await this.find(identity)] as const));
    return new Map(found.flatMap(([identity, state]) => (state ? [[identity, state] as const] : [])));
  }

  override async store(identity: string, state: ServerState): Promise<void> {
    const text = this.cipher.encrypt(state, identity);
    await this.redis.commands.send('SET', this.keyOf(identity), text, 'PX', TTL_MS);
  }

  override async delete(identity: string): Promise<void> {
    await this.redis.commands.send('UNLINK', this.keyOf(identity));
  }

  private keyOf(identity: string): string {
    return this.redis.keys.serverState(createHash('sha256').update(identity).digest('base64url'));
  }
}
