import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { openDatabase, type Database, type DatabasePlace } from '../database/index.js';
import { AccessTokens, TokensConfig, type NewAccessToken } from './index.js';

const HOUR_MS = 3_600_000;

const order = (more: Partial<NewAccessToken> = {}): NewAccessToken => ({
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

describe.each(DATABASE_KINDS)('personal access tokens, in $name,', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  const databases: Database[] = [];

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.place();
  });

  afterEach(() => Promise.all(databases.splice(0).map((database) => database.close())));
  afterAll(() => host.stop());

  /** A worker's. It looks when it is asked for the first time, and after its own changes. */
  async function worker(settings: Partial<TokensConfig> = {}): Promise<AccessTokens> {
    const database = await openDatabase(place);
    databases.push(database);
    return new AccessTokens(database, Object.assign(new TokensConfig(), settings));
  }

  async function made(tokens: AccessTokens, more?: Partial<NewAccessToken>) {
    const created = await tokens.create(order(more));
    if (!created) throw new Error('It was not made.');
    return created;
  }

  it('are good at every worker, for what they were made for', async () => {
    const [one, other] = [await worker(), await worker()];
    const { text, token } = await made(one, { servers: ['weather'] });
    expect(text).toMatch(/^isthmus_pat_[\da-f]{24}_[\w-]{43}$/);
    expect(token).toMatchObject({
      ...order({ servers: ['weather'], expiresAt: token.expiresAt }),
      id: expect.any(String),
    });
    for (const tokens of [one, other]) expect(await tokens.validate(text)).toEqual(token);
    expect(await one.validate(text)).toBe(await one.validate(text));
  });

  it('are nowhere to be read, once they were shown', async () => {
    const tokens = await worker();
    const { text } = await made(tokens);
    const secret = text.split('_').slice(3).join('_');
    expect(JSON.stringify(await tokens.list())).not.toContain(secret);
    expect(JSON.stringify(await host.run(place, 'select * from access_tokens'))).not.toContain(secret);
  });

  it('are refused when they are unknown, altered, expired or revoked', async () => {
    const tokens = await worker();
    const { text, token } = await made(tokens);
    const expired = await made(tokens, { expiresAt: new Date(Date.now() - 1) });
    const altered = `${text.slice(0, -1)}${text.endsWith('A') ? 'E' : 'A'}`;
    const foreign = text.replace(token.id, '0'.repeat(24));
    for (const wrong of [expired.text, altered, foreign, 'isthmus_pat_', `${text}x`]) {
      expect(await tokens.validate(wrong)).toBe('refused');
    }
    expect(await tokens.revoke(token.id)).toBe(true);
    expect(await tokens.revoke(token.id)).toBe(false);
    expect(await tokens.validate(text)).toBe('refused');
  });

  it('cannot be judged where the database cannot be asked', async () => {
    const [one, other] = [await worker(), await worker()];
    const { text } = await made(one);
    await other.list();
    await databases.at(-1)?.close();
    expect(await other.validate(text)).toBe('unknown');
  });

  it('tell when they were used last', async () => {
    const [one, other] = [await worker(), await worker()];
    const { text, token } = await made(one);
    expect(await one.list()).toEqual([token]);
    const before = new Date();
    await other.validate(text);
    await other.onApplicationShutdown();
    const [used] = await one.list();
    expect(used?.lastUsedAt?.getTime()).toBeGreaterThanOrEqual(before.getTime());
  });

  it('tell those who wait for it when they are gone, once', async () => {
    const [one, other] = [await worker(), await worker()];
    const [{ token }, kept] = [await made(one), await made(one)];
    const told: string[] = [];
    await other.validate(kept.text);
    other.onInvalidated(token.id, () => void told.push('gone'));
    other.onInvalidated(token.id, () => void told.push('stopped'))();
    other.onInvalidated(kept.token.id, () => void told.push('kept'));
    await one.revoke(token.id);
    await other.revoke('something else');
    await other.revoke('something else');
    expect(told).toEqual(['gone']);
  });

  it('are bounded for each subject; those that have expired make room', async () => {
    const tokens = await worker({ maxPerSubject: 2 });
    await made(tokens, { expiresAt: new Date(Date.now() - 1) });
    const [first] = [await made(tokens), await made(tokens)];
    expect(await tokens.create(order())).toBeUndefined();
    await made(tokens, { subject: 'bob' });
    await tokens.revoke(first.token.id);
    await made(tokens);
  });
});
