import { createHash } from 'node:crypto';
import { computeJsonDigest, JsonCipher } from '#lib/sealing';
import { Clock } from '#lib/time';
import type { SharedRedis } from '../coordination/index.js';
import type { PageSession } from './page-session.js';
import { MAX_SESSIONS_OF_PRINCIPAL, PageSessionStore, RENEWAL_LEASE_MS } from './page-session-store.js';
import { PageSessionsUnavailable } from './page-sessions.errors.js';

const LABEL = 'page-sessions session 2';

/**
 * For several workers. Redis contains neither ids nor tokens that can be read: keys are digests of the ids, and sessions are
 * encrypted with the secret of the workers, bound to their ids.
 */
export class RedisPageSessionStore extends PageSessionStore {
  private readonly cipher: JsonCipher<PageSession>;

  /** @param secret the common secret of all workers */
  constructor(
    private readonly redis: Pick<SharedRedis, 'commands' | 'keys'>,
    secret: Buffer,
    private readonly clock: Clock,
  ) {
    super();
    this.cipher = new JsonCipher(secret, LABEL);
  }

  override async find(id: string): Promise<PageSession | undefined> {
    return this.decrypt(id, await this.send('GET', this.keyOf(id)));
  }

  override async add(id: string, session: PageSession): Promise<void> {
    await this.send('SET', this.keyOf(id), this.cipher.encrypt(session, id), 'PX', this.lifetimeOf(session));
    await this.list(id, session);
  }

  override async replace(id: string, session: PageSession): Promise<boolean> {
    const sealed = this.cipher.encrypt(session, id);
    return (await this.send('SET', this.keyOf(id), sealed, 'PX', this.lifetimeOf(session), 'XX')) !== null;
  }

  override async delete(id: string): Promise<PageSession | undefined> {
    const session = this.decrypt(id, await this.send('GETDEL', this.keyOf(id)));
    // One that stays in the list counts until it would have ended.
    if (session) await this.send('ZREM', this.listKeyOf(session), toListed(id, session)).catch(() => undefined);
    return session;
  }

  override async acquireRenewal(id: string): Promise<boolean> {
    return (await this.send('SET', this.renewalKeyOf(id), '1', 'PX', RENEWAL_LEASE_MS, 'NX')) !== null;
  }

  /** A lease that cannot be released now expires. */
  override async releaseRenewal(id: string): Promise<void> {
    await this.send('UNLINK', this.renewalKeyOf(id)).catch(() => undefined);
  }

  /**
   * Lists a session as the newest one of its principal, and ends the oldest ones beyond the bound. Sessions leave the list after
   * they have ended, so that none is forgotten when Redis fails in between.
   */
  private async list(id: string, session: PageSession): Promise<void> {
    const list = this.listKeyOf(session);
    const now = this.clock.now();
    await this.send('ZADD', list, now, toListed(id, session));
    const listed = ((await this.send('ZRANGE', list, 0, -1)) as string[]).map((text) => ({
      text,
      ...fromListed(text),
    }));
    const running = listed.filter(({ endsAt }) => endsAt > now);
    const surplus = running.slice(0, Math.max(0, running.length - MAX_SESSIONS_OF_PRINCIPAL));
    await Promise.all(surplus.map(({ digest }) => this.send('UNLINK', this.redis.keys.pageSession(digest))));
    const ended = [...listed.filter(({ endsAt }) => endsAt <= now), ...surplus];
    if (ended.length > 0) await this.send('ZREM', list, ...ended.map(({ text }) => text));
    const lastEnd = Math.max(...running.map(({ endsAt }) => endsAt));
    await this.send('PEXPIRE', list, Math.ceil(lastEnd - now));
  }

  private decrypt(id: string, sealed: unknown): PageSession | undefined {
    const session = this.cipher.decrypt(sealed, id);
    return session && this.clock.now() < session.endsAt ? session : undefined;
  }

  private lifetimeOf({ endsAt }: PageSession): number {
    return Math.max(1, Math.ceil(endsAt - this.clock.now()));
  }

  private keyOf(id: string): string {
    return this.redis.keys.pageSession(toDigest(id));
  }

  private listKeyOf({ principal: { issuer, subject } }: PageSession): string {
    return this.redis.keys.pageSessionsOfPrincipal(computeJsonDigest([issuer, subject]));
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

/** A session in the list of its principal. The end of a session never changes. */
const toListed = (id: string, { endsAt }: PageSession): string => `${toDigest(id)} ${endsAt}`;

function fromListed(text: string): { readonly digest: string; readonly endsAt: number } {
  const [digest = '', endsAt] = text.split(' ');
  return { digest, endsAt: Number(endsAt) };
}

const toDigest = (id: string): string => createHash('sha256').update(id).digest('base64url');
