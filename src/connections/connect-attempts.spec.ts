import { afterEach, describe, expect, it } from '@jest/globals';
import { OutcomeError } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  settled,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { limits } from './connections-fixture.js';
import type { ConnectionScope } from './sharing.js';
import { UpstreamPool } from './upstream-pool.js';

const pools: UpstreamPool[] = [];

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

const scopeOf = (subject: string): ConnectionScope => ({
  caller: callerOf(subject),
  client: LEGACY_CLIENT,
  session: undefined,
});

describe('the time that a request spends on connecting', () => {
  const server = remoteServer('a', { timeouts: { connectMs: 60_000, requestMs: 10_000 } });

  function timedWorld() {
    const clock = new ManualClock();
    const connector = new FakeConnector();
    const pool = new UpstreamPool(connector, limits({}), new FakeRegistry([server]), clock);
    pools.push(pool);
    return { clock, connector, pool };
  }

  it('is not spent again by the next step of a request after an attempt used it up', async () => {
    const { clock, connector, pool } = timedWorld();
    let attempts = 0;
    connector.beforeOpening = async () => {
      attempts += 1;
      await new Promise<void>((resolve) => clock.after(60_000, resolve));
      throw new OutcomeError(unreachable('a'));
    };
    const attempt = () => pool.use(server, scopeOf('me'), async () => 'used').catch((error: unknown) => error);
    const waiting = [attempt(), attempt()];
    await clock.advance(60_000);
    expect(await Promise.all(waiting)).toEqual([expect.any(OutcomeError), expect.any(OutcomeError)]);
    expect(await attempt()).toMatchObject({ code: -31_004, data: { outcome: 'not_executed' } });
    expect(attempts).toBe(1);
    await clock.advance(1_000);
    connector.beforeOpening = async () => undefined;
    expect(await attempt()).toBe('used');
  });

  it('is shared by the probe of the era and the opening of the connection', async () => {
    const { clock, connector, pool } = timedWorld();
    const budgets: (number | undefined)[] = [];
    connector.beforeProbing = async (_server, { budgetMs }) => {
      budgets.push(budgetMs);
      await new Promise<void>((resolve) => clock.after(45_000, resolve));
    };
    connector.beforeOpening = async (_server, { budgetMs }) => void budgets.push(budgetMs);
    const used = pool.use(server, scopeOf('me'), async () => 'used');
    await clock.advance(45_000);
    expect(await used).toBe('used');
    expect(budgets).toEqual([undefined, 15_000]);
  });

  it('ends for a request that is cancelled, and continues for the others', async () => {
    const { clock, connector, pool } = timedWorld();
    connector.beforeOpening = async () => new Promise<void>((resolve) => clock.after(5_000, resolve));
    const control = new AbortController();
    const work = async () => 'used';
    const cancelled = pool.use(server, scopeOf('me'), work, { signal: control.signal });
    const patient = pool.use(server, scopeOf('me'), work);
    await settled();
    control.abort();
    await expect(cancelled).rejects.toMatchObject({ data: { outcome: 'not_executed' } });
    await clock.advance(5_000);
    expect(await patient).toBe('used');
    expect(connector.opened).toHaveLength(1);
  });

  it('belongs to one principal where the server isolates principals, and so does its failure', async () => {
    const { clock, connector, pool } = timedWorld();
    const owners: (string | undefined)[] = [];
    connector.beforeOpening = async (_server, { owner }) => {
      owners.push(owner);
      if (owners.length > 1) return;
      await new Promise<void>((resolve) => clock.after(60_000, resolve));
      throw new OutcomeError(unreachable('a'));
    };
    const attempt = (subject: string) => pool.use(server, scopeOf(subject), async () => 'used').catch(String);
    const failing = attempt('a');
    await clock.advance(60_000);
    expect(await failing).not.toBe('used');
    expect(await attempt('b')).toBe('used');
    expect(owners).toEqual([callerOf('a').key, callerOf('b').key]);
  });
});
