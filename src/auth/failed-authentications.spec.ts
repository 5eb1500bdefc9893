import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { AuthWorld, LOCAL, secondsNow } from './auth-fixture.js';
import { FailedAuthentications } from './failed-authentications.js';

const NOW = secondsNow();

const MINUTE_MS = 60_000;

describe('FailedAuthentications', () => {
  const open = (perMinute = 3, maxAddresses?: number) => {
    const clock = new ManualClock();
    return { clock, failures: new FailedAuthentications(perMinute, clock, maxAddresses) };
  };
  const fail = (failures: FailedAuthentications, address: string, times = 3) => {
    for (let count = 0; count < times; count += 1) failures.add(address);
  };

  it('makes an address wait after its budget is used up, until it has refilled', async () => {
    const { clock, failures } = open();
    fail(failures, '10.0.0.1', 2);
    expect(failures.waitMs('10.0.0.1')).toBe(0);
    fail(failures, '10.0.0.1', 5);
    expect(failures.waitMs('10.0.0.1')).toBe(MINUTE_MS / 3);
    expect(failures.waitMs('10.0.0.2')).toBe(0);
    await clock.advance(MINUTE_MS / 3);
    expect(failures.waitMs('10.0.0.1')).toBe(0);
    failures.add('10.0.0.1');
    expect(failures.waitMs('10.0.0.1')).toBeGreaterThan(0);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:DB8:1:2:ffff::9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['::1', '::2', true],
    ['fe80::1%eth0', 'fe80::2', true],
    ['2001:db8::1', '2001:0db8:0:0:5::', true],
    ['10.0.0.1', '10.0.0.2', false],
  ])('%s and %s share a budget: %s', (one, other, isShared) => {
    const { failures } = open();
    fail(failures, one);
    expect(failures.waitMs(other) > 0).toBe(isShared);
  });

  it('is active from the first failure until every address has its whole budget again', async () => {
    const { clock, failures } = open();
    expect(failures.isActive).toBe(false);
    fail(failures, '10.0.0.1', 9);
    await clock.advance(MINUTE_MS / 2);
    failures.add('10.0.0.2');
    await clock.advance(MINUTE_MS - 1);
    expect(failures.isActive).toBe(true);
    await clock.advance(1);
    expect(failures.isActive).toBe(false);
    fail(failures, '10.0.0.1', 2);
    expect([failures.isActive, failures.waitMs('10.0.0.1')]).toEqual([true, 0]);
    failures.add('10.0.0.1');
    expect(failures.waitMs('10.0.0.1')).toBeGreaterThan(0);
  });

  it('forgets the address that failed least recently beyond the maximum number of addresses', () => {
    const { failures } = open(3, 100);
    fail(failures, 'first');
    fail(failures, 'second');
    fail(failures, 'first', 1);
    for (let index = 0; index < 99; index += 1) failures.add(`${index}`);
    expect(failures.waitMs('second')).toBe(0);
    expect(failures.waitMs('first')).toBeGreaterThan(0);
    failures.add('99');
    expect(failures.waitMs('first')).toBe(0);
  });
});

describe('CallerAuthenticator, for an address whose authentications have failed too often,', () => {
  const NAT = { address: '203.0.113.1' };
  let world: AuthWorld;

  beforeAll(async () => {
    world = await AuthWorld.open();
  });
  afterAll(() => world.close());

  async function open(cacheTtlMs = 10_000) {
    const gateway = world.gateway({ maxFailedPerMinute: 5, cacheTtlMs });
    const authenticate = async (token: string | undefined, client = NAT) =>
      gateway.authenticator.authenticate(token && `Bearer ${token}`, '/mcp', 'localhost:4444', client);
    const statusOf = (token: string | undefined, client = NAT) =>
      authenticate(token, client).then(
        () => 200,
        (cause: unknown) => (cause as { httpStatus: number }).httpStatus,
      );
    const block = async () => {
      for (let count = 0; count < 5; count += 1) expect(await statusOf(`forged${count}`)).toBe(401);
    };
    return { ...gateway, authenticate, statusOf, block };
  }

  it('rejects requests without a token and with an unknown token with 429 and the time to wait', async () => {
    const { authenticate, statusOf, block, clock, issuer } = await open();
    await block();
    const token = await issuer.issue({ subject: 'me', expiresInSeconds: 600 });
    for (const rejected of [undefined, 'forged', token]) {
      await expect(authenticate(rejected)).rejects.toMatchObject({
        httpStatus: 429,
        data: { outcome: 'not_executed', retriable: true, retryAfterMs: MINUTE_MS / 5 },
      });
    }
    expect(await statusOf(token, { address: '203.0.113.2' })).toBe(200);
    await clock.advance(MINUTE_MS / 5);
    expect(await statusOf(undefined)).toBe(401);
    expect(await statusOf(undefined)).toBe(429);
  });

  it('admits tokens that were verified before, also after their cache lifetime and a change of teams, until they expire', async () => {
    const { statusOf, block, clock, issuer } = await open();
    const token = await issuer.issue({ subject: 'me', expiresInSeconds: 30 });
    const forEndpoint = await world.sign({ ...LOCAL, aud: 'http://localhost:4444/mcp', exp: NOW + 600 });
    for (const each of [token, forEndpoint]) expect(await statusOf(each)).toBe(200);
    await block();
    await clock.advance(11_000);
    for (let count = 0; count < 5; count += 1) await statusOf('forged');
    expect(await statusOf(undefined)).toBe(429);
    world.registry.configure([], { teams: [] });
    for (const each of [token, forEndpoint]) expect(await statusOf(each)).toBe(200);
    await clock.advance(25_000);
    for (let count = 0; count < 5; count += 1) await statusOf('forged');
    expect(await statusOf(token)).toBe(429);
    expect(await statusOf(forEndpoint)).toBe(200);
  });

  it('admits tokens that were verified before, also when callers are not cached', async () => {
    const { statusOf, block, clock, issuer } = await open(0);
    const token = await issuer.issue({ subject: 'me', expiresInSeconds: 30 });
    const forEndpoint = await world.sign({ ...LOCAL, aud: 'http://localhost:4444/mcp', exp: NOW + 600 });
    for (const each of [token, forEndpoint]) expect(await statusOf(each)).toBe(200);
    await block();
    for (const each of [token, forEndpoint]) expect(await statusOf(each)).toBe(200);
    await clock.advance(36_000);
    for (let count = 0; count < 5; count += 1) await statusOf('forged');
    expect([await statusOf(token), await statusOf(forEndpoint)]).toEqual([429, 200]);
  });

  it('never counts authenticated requests', async () => {
    const { statusOf, issuer } = await open();
    const token = await issuer.issue({ subject: 'me', expiresInSeconds: 600 });
    for (let count = 0; count < 50; count += 1) expect(await statusOf(token)).toBe(200);
    expect(await statusOf(undefined)).toBe(401);
  });
});
