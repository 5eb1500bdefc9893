import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ANONYMOUS, type Caller } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import type { Database } from '../database/index.js';
import { openDatabase } from '../database/testing.js';
import type { ServerRegistry } from '../registry/index.js';
import { AccessTokens, TokensConfig } from '../tokens/index.js';
import { ExpiringCredentialsController } from './expiring-credentials.controller.js';

const DAY_MS = 86_400_000;
const NO_SERVERS = { snapshot: { servers: [] } } as unknown as ServerRegistry;
const [sqlite] = DATABASE_KINDS;

const callerOf = (subject: string, role: string): Caller => ({
  ...ANONYMOUS,
  principal: { issuer: 'isthmus', subject },
  roles: [role],
});

let host: DatabaseHost;
let database: Database;
let clock: ManualClock;
let tokens: AccessTokens;

beforeEach(async () => {
  host = await sqlite!.start();
  database = await openDatabase(await host.createDatabase());
  clock = new ManualClock();
  tokens = new AccessTokens(database, new TokensConfig(), clock);
});

afterEach(async () => {
  await database.close();
  await host.stop();
});

async function create(title: string, subject: string, days: number): Promise<void> {
  const rights = { issuer: 'isthmus', subject, roles: [], teams: [], scopes: [], createdBy: 'isthmus|ada' };
  await tokens.create({ title, ...rights, expiresAt: new Date(clock.now() + days * DAY_MS) });
}

async function titlesFor(caller: Caller): Promise<readonly (string | undefined)[]> {
  const controller = new ExpiringCredentialsController(tokens, NO_SERVERS, clock);
  return (await controller.list({ limit: 50 }, caller)).items.map(({ title }) => title);
}

it('lists tokens in the last fifth of their lifetime, at most a week before they expire', async () => {
  await create('of a day', 'ada', 1);
  await create('of ten days', 'grace', 10);
  await create('of a year', 'ada', 300);
  expect(await titlesFor(callerOf('ops', 'admin'))).toEqual([]);
  await clock.advance(0.9 * DAY_MS);
  expect(await titlesFor(callerOf('ops', 'admin'))).toEqual(['of a day']);
  await clock.advance(8 * DAY_MS);
  expect(await titlesFor(callerOf('ops', 'auditor'))).toEqual(['of ten days']);
  expect(await titlesFor(callerOf('ada', 'operator'))).toEqual([]);
  await clock.advance(285 * DAY_MS);
  expect(await titlesFor(callerOf('ada', 'operator'))).toEqual(['of a year']);
});
