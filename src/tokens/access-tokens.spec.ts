import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { SystemClock, type Clock } from '#lib/time';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import type { Database } from '../database/index.js';
import { openDatabase, type DatabasePlace } from '../database/testing.js';
import { AccessTokens, TokensConfig, type NewAccessToken } from './index.js';
import { TokenTable } from './token-table.js';
import { generateToken } from './token-text.js';

const HOUR_MS = 3_600_000;

const newToken = (more: Partial<NewAccessToken> = {}): NewAccessToken => ({
  title: 'nightly build',
  issuer: 'isthmus',
  subject: 'ada',
  roles: ['operator'],
  teams: [],
  scopes: ['mcp'],
  createdBy: 'isthmus|ada',
  expiresAt: new Date(Date.now() + HOUR_MS),
  ...more,
});

beforeEach(() => Logger.overrideLogger(false));

describe.each(DATABASE_KINDS)('AccessTokens over $name', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  const databases: Database[] = [];

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.createDatabase();
  });

  afterEach(() => Promise.all(databases.splice(0).map((database) => database.close())));
  afterAll(() => host.stop());

  /** The AccessTokens of one worker, without polling: they synchronize at the first validation and after own changes. */
  async function openWorker(
    settings: Partial<TokensConfig> = {},
    clock: Clock = new SystemClock(),
  ): Promise<AccessTokens> {
    const database = await openDatabase(place);
    databases.push(database);
    return new AccessTokens(database, Object.assign(new TokensConfig(), settings), clock);
  }

  async function create(tokens: AccessTokens, more?: Partial<NewAccessToken>) {
    const created = await tokens.create(newToken(more));
    if (!created) throw new Error('The token was not created.');
    return created;
  }

  it('validates a token at every worker with the rights it was created with', async () => {
    const [one, other] = [await openWorker(), await openWorker()];
    const { text, token } = await create(one, { servers: ['weather'] });
    expect(text).toMatch(/^isthmus_pat_[\da-f]{24}_[\w-]{43}$/);
    expect(token).toMatchObject({
      ...newToken({ servers: ['weather'], expiresAt: token.expiresAt }),
      id: expect.any(String),
    });
    const validated = { ...token, serverIdentities: ['weather'] };
    for (const tokens of [one, other]) expect(await tokens.validate(text)).toEqual(validated);
    expect(await one.validate(text)).toBe(await one.validate(text));
  });

  it('never lists or stores the secret of a token', async () => {
    const tokens = await openWorker();
    const { text } = await create(tokens);
    const secret = text.split('_').slice(3).join('_');
    expect(JSON.stringify(await tokens.list())).not.toContain(secret);
    expect(JSON.stringify(await host.run(place, 'select * from access_tokens'))).not.toContain(secret);
  });

  it('refuses unknown, altered, expired and revoked tokens', async () => {
    const tokens = await openWorker();
    const { text, token } = await create(tokens);
    const expired = await create(tokens, { expiresAt: new Date(Date.now() - 1) });
    const altered = `${text.slice(0, -1)}${text.endsWith('A') ? 'E' : 'A'}`;
    const foreign = text.replace(token.id, '0'.repeat(24));
    for (const invalid of [expired.text, altered, foreign, 'isthmus_pat_', `${text}x`]) {
      expect(await tokens.validate(invalid)).toBe('refused');
    }
    expect(await tokens.revoke(token.id)).toBe(true);
    expect(await tokens.revoke(token.id)).toBe(false);
    expect(await tokens.validate(text)).toBe('refused');
  });

  it('reports "unknown" for a token while the database is unavailable', async () => {
    const [one, other] = [await openWorker(), await openWorker()];
    const { text } = await create(one);
    await other.list();
    await databases.at(-1)?.close();
    expect(await other.validate(text)).toBe('unknown');
  });

  it('stores the last use of a token at shutdown, visible to other workers', async () => {
    const [one, other] = [await openWorker(), await openWorker()];
    const { text, token } = await create(one);
    expect(await one.list()).toEqual([token]);
    const before = new Date();
    await other.validate(text);
    await other.onApplicationShutdown();
    const [used] = await one.list();
    expect(used?.lastUsedAt?.getTime()).toBeGreaterThanOrEqual(before.getTime());
  });

  it('notifies listeners of a revoked token once, and neither unsubscribed listeners nor those of other tokens', async () => {
    const [one, other] = [await openWorker(), await openWorker()];
    const [{ token }, kept] = [await create(one), await create(one)];
    const notified: string[] = [];
    await other.validate(kept.text);
    other.onInvalidated(token.id, () => void notified.push('revoked'));
    other.onInvalidated(token.id, () => void notified.push('unsubscribed'))();
    other.onInvalidated(kept.token.id, () => void notified.push('kept'));
    await one.revoke(token.id);
    await other.revoke('something else');
    await other.revoke('something else');
    expect(notified).toEqual(['revoked']);
  });

  it('notifies the other listeners when one of them fails', async () => {
    const [one, other] = [await openWorker(), await openWorker()];
    const [{ token }, kept] = [await create(one), await create(one)];
    await other.validate(kept.text);
    const notified: string[] = [];
    other.onInvalidated(token.id, () => {
      throw new Error('It cannot be cut.');
    });
    other.onInvalidated(token.id, () => void notified.push('revoked'));
    await one.revoke(token.id);
    await other.revoke('something else');
    expect(notified).toEqual(['revoked']);
    expect(await other.validate(kept.text)).toEqual(kept.token);
  });

  it('limits the tokens per subject and does not count expired ones', async () => {
    const tokens = await openWorker({ maxPerSubject: 2 });
    await create(tokens, { expiresAt: new Date(Date.now() - 1) });
    const [first] = [await create(tokens), await create(tokens)];
    expect(await tokens.create(newToken())).toBeUndefined();
    await create(tokens, { subject: 'bob' });
    await tokens.revoke(first.token.id);
    await create(tokens);
  });

  it('accepts a token at once that another worker has created since the last synchronization', async () => {
    const [one, other] = [await openWorker(), await openWorker()];
    await other.validate((await create(one)).text);
    const { text, token } = await create(one);
    expect(await other.validate(text)).toEqual(token);
  });

  it('refuses a revoked token although its id is looked up', async () => {
    const [one, other] = [await openWorker(), await openWorker()];
    await other.validate((await create(one)).text);
    const { text, token } = await create(one);
    await one.revoke(token.id);
    expect(await other.validate(text)).toBe('refused');
  });

  it('reads the database at most once per 50 ms, however many unknown ids are validated, and admits a new token among them', async () => {
    const clock = new ManualClock(Date.now());
    const [one, other] = [await openWorker(), await openWorker({}, clock)];
    await other.validate((await create(one)).text);
    const queries = jest.spyOn(TokenTable.prototype, 'readRevision');
    const invent = () => other.validate(generateToken().text);
    const first = Array.from({ length: 500 }, invent);
    await first[0];
    const queriesAtOnce = queries.mock.calls.length;
    const { text, token } = await create(one);
    const own = queries.mock.calls.length - queriesAtOnce;
    const waiting = [...Array.from({ length: 500 }, invent), other.validate(text)];
    await clock.advance(50);
    expect(await Promise.all(first)).toEqual(first.map(() => 'refused'));
    expect(await waiting.at(-1)).toEqual(token);
    expect(new Set(await Promise.all(waiting.slice(0, -1)))).toEqual(new Set(['refused']));
    expect(queries.mock.calls.length - own).toBeLessThanOrEqual(2);
    queries.mockRestore();
  });

  it('reports "unknown" for an unknown id that cannot be looked up', async () => {
    const [one, other] = [await openWorker(), await openWorker()];
    await other.validate((await create(one)).text);
    const { text } = await create(one);
    await databases.at(-1)?.close();
    expect(await other.validate(text)).toBe('unknown');
  });

  it('revokes all tokens of a subject of one issuer at every worker, and no other tokens', async () => {
    const [one, other] = [await openWorker(), await openWorker()];
    const hers = [await create(one), await create(one, { createdBy: 'isthmus|root' })];
    const others = [await create(one, { subject: 'bob' }), await create(one, { issuer: 'https://idp.example' })];
    const notified: string[] = [];
    for (const { text, token } of hers) {
      await other.validate(text);
      other.onInvalidated(token.id, () => void notified.push(token.id));
    }
    const ids = hers.map(({ token }) => token.id).toSorted();
    expect(await one.revokeAll({ issuer: 'isthmus', subject: 'ada' })).toEqual(ids);
    expect(await one.revokeAll({ issuer: 'isthmus', subject: 'ada' })).toEqual([]);
    await other.revoke('something else');
    expect(notified.toSorted()).toEqual(ids);
    for (const { text } of hers) expect(await other.validate(text)).toBe('refused');
    for (const { text, token } of others) expect(await other.validate(text)).toEqual(token);
  });

  it.each([
    ['the role of an admin', { roles: ['reader', 'admin'] }, 1],
    ['an elevated role of a team', { roles: [], teamRoles: ['auditor'] }, 1],
    ['no elevated role', { roles: ['user', 'reader'] }, 2],
  ])(
    'ends a token with %s after the maximum lifetime, also one that was created under a higher one',
    async (_name, rights, hours) => {
      const [before, after] = [
        await openWorker({ elevatedMaxLifetimeMs: 9 * HOUR_MS }),
        await openWorker({ elevatedMaxLifetimeMs: HOUR_MS, maxLifetimeMs: 2 * HOUR_MS, maxPerSubject: 1 }),
      ];
      const { text, token } = await create(before, { ...rights, expiresAt: new Date(Date.now() + 8 * HOUR_MS) });
      expect(token.expiresAt.getTime() - token.createdAt.getTime()).toBeGreaterThan(7 * HOUR_MS);
      const expiresAt = new Date(token.createdAt.getTime() + hours * HOUR_MS);
      expect(await after.validate(text)).toEqual({ ...token, expiresAt });
      expect(await after.list()).toEqual([{ ...token, expiresAt, lastUsedAt: expect.any(Date) }]);
      const clock = new ManualClock(expiresAt.getTime());
      const late = await openWorker(
        { elevatedMaxLifetimeMs: HOUR_MS, maxLifetimeMs: 2 * HOUR_MS, maxPerSubject: 1 },
        clock,
      );
      expect(await late.validate(text)).toBe('refused');
      expect((await create(late, { expiresAt: new Date(clock.now() + 1) })).token.subject).toBe('ada');
    },
  );
});
