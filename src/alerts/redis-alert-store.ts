import { createHash } from 'node:crypto';
import { JsonCipher } from '#lib/sealing';
import type { SharedRedis } from '../coordination/index.js';
import type { Alert } from './alert.js';
import { AlertStore, MAX_ALERTS } from './alert-store.js';

const LABEL = 'alerts 1';
const TTL_MS = 7 * 86_400_000;

/** Shares alerts over Redis, encrypted: they name servers and callers. */
export class RedisAlertStore extends AlertStore {
  private readonly cipher: JsonCipher<Alert>;

  /** @param secret the common secret of all workers */
  constructor(
    private readonly redis: Pick<SharedRedis, 'commands' | 'keys'>,
    secret: Buffer,
  ) {
    super();
    this.cipher = new JsonCipher(secret, LABEL);
  }

  override async claim(occurrence: string, quietMs: number): Promise<boolean> {
    const key = this.redis.keys.alertClaim(createHash('sha256').update(occurrence).digest('base64url'));
    return (await this.redis.commands.send('SET', key, '1', 'PX', quietMs, 'NX')) !== null;
  }

  override async save(alert: Alert): Promise<void> {
    const { commands, keys } = this.redis;
    await Promise.all([
      commands.send('HSET', keys.alerts, alert.id, this.cipher.encrypt(alert, alert.id)),
      commands.send('ZADD', keys.alertOrder, alert.at, alert.id),
    ]);
    const [surplus] = await Promise.all([
      commands.send('ZRANGE', keys.alertOrder, 0, -MAX_ALERTS - 1),
      commands.send('PEXPIRE', keys.alerts, TTL_MS),
      commands.send('PEXPIRE', keys.alertOrder, TTL_MS),
    ]);
    if (!Array.isArray(surplus) || surplus.length === 0) return;
    const ids = surplus.map(String);
    await Promise.all([commands.send('HDEL', keys.alerts, ...ids), commands.send('ZREM', keys.alertOrder, ...ids)]);
  }

  /** Omits what no worker of this version encrypted. */
  override async list(): Promise<readonly Alert[]> {
    const { commands, keys } = this.redis;
    const ids = await commands.send('ZRANGE', keys.alertOrder, 0, -1, 'REV');
    if (!Array.isArray(ids) || ids.length === 0) return [];
    const texts = await commands.send('HMGET', keys.alerts, ...ids.map(String));
    if (!Array.isArray(texts)) return [];
    return texts.flatMap((text: unknown, index) => this.cipher.decrypt(text, String(ids[index])) ?? []);
  }
}
