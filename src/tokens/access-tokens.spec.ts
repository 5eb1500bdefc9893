import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SystemClock } from '#lib/time';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import type { Database } from '../database/index.js';
import { openDatabase, type DatabasePlace } from '../database/testing.js';
import { AccessTokens, TokensConfig, type NewAccessToken } from './index.js';

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
  async function openWorker(settings: Partial<TokensConfig> = {}): Promise<AccessTokens> {
    const database = await openDatabase(place);
    databases.push(database);
    return new AccessTokens(database, Object.assign(new TokensConfig(), settings), new SystemClock());
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

  it('limits the tokens per subject and does not count expired ones', async () => {
    const tokens = await openWorker({ maxPerSubject: 2 });
    await create(tokens, { expiresAt: new Date(Date.now() - 1) });
    const [first] = [await create(tokens), await create(tokens)];
    expect(await tokens.create(newToken())).toBeUndefined();
    await create(tokens, { subject: 'bob' });
    await tokens.revoke(first.token.id);
    await create(tokens);
  });
});
