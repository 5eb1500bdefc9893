import { createHash } from 'node:crypto';
import { TextCipher } from '#lib/sealing';
import { Clock } from '#lib/time';
import type { SharedRedis } from '../coordination/index.js';
import type { PageSession } from './page-session.js';
import { PageSessionStore, RENEWAL_LEASE_MS } from './page-session-store.js';
import { PageSessionsUnavailable } from './page-sessions.errors.js';

const LABEL = 'page-sessions session 1';

/**
 * For several workers. Redis contains neither ids nor tokens that can be read: keys are digests of the ids, and sessions are
 * encrypted with the secret of the workers, bound to their ids.
 */
export class RedisPageSessionStore extends PageSessionStore {
  private readonly cipher: TextCipher;

  /** @param secret the common secret of all workers */
  constructor(
    private readonly redis: Pick<SharedRedis, 'commands' | 'keys'>,
    secret: Buffer,
    private readonly clock: Clock,
  ) {
    super();
    this.cipher = new TextCipher(secret, LABEL);
  }

  override async find(id: string): Promise<PageSession | undefined> {
    const text = this.cipher.decrypt(await this.send('GET', this.keyOf(id)), id);
    const session = text === undefined ? undefined : (JSON.parse(text) as PageSession);
    return session && this.clock.now() < session.endsAt ? session : undefined;
  }

  override async add(id: string, session: PageSession): Promise<void> {
    await this.send('SET', this.keyOf(id), this.encrypt(id, session), 'PX', this.lifetimeOf(session));
  }

  override async replace(id: string, session: PageSession): Promise<boolean> {
    const sealed = this.encrypt(id, session);
    return (await this.send('SET', this.keyOf(id), sealed, 'PX', this.lifetimeOf(session), 'XX')) !== null;
  }

  override async delete(id: string): Promise<void> {
    await this.send('UNLINK', this.keyOf(id));
  }

  override async acquireRenewal(id: string): Promise<boolean> {
    return (await this.send('SET', this.renewalKeyOf(id), '1', 'PX', RENEWAL_LEASE_MS, 'NX')) !== null;
  }

  /** A lease that cannot be released now expires. */
  override async releaseRenewal(id: string): Promise<void> {
    await this.send('UNLINK', this.renewalKeyOf(id)).catch(() => undefined);
  }

  private encrypt(id: string, session: PageSession): string {
    return this.cipher.encrypt(JSON.stringify(session), id);
  }

  private lifetimeOf({ endsAt }: PageSession): number {
    return Math.max(1, Math.ceil(endsAt - this.clock.now()));
  }

  private keyOf(id: string): string {
    return this.redis.keys.pageSession(toDigest(id));
  }

  private renewalKeyOf(id: string): string {
    return this.redis.keys.pageSessionRenewal(toDigest(id));
  }

  private async send(command: string, ...args: (string | number)[]): Promise<unknown> {
    return await this.redis.commands.send(command, ...args).catch(() => {
      throw new PageSessionsUnavailable();
    });
  }
}

const toDigest = (id: string): string => createHash('sha256').update(id).digest('base64url');
