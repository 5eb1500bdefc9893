import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { GatewayEvent } from '#lib/extension-kit';
import { RedisConfig } from '#lib/redis';
import { ManualClock } from '#lib/testing/manual-clock';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { until } from '../../test/support/until.js';
import { Coordination } from '../coordination/index.js';
import { GatewayEvents } from '../events/index.js';
import { KEPT_MS, type Approval } from './approval.js';
import { MAX_APPROVALS_OF_PRINCIPAL, MemoryApprovalStore, type ApprovalStore } from './approval-store.js';
import type { Approvals, AskedCall } from './approvals.js';
import { RedisApprovalStore } from './redis-approval-store.js';
import { createApprovals } from './testing.js';

const EXPIRY_MS = 60_000;
const ADA = { issuer: 'https://id.example', subject: 'ada' };
const OPS = { issuer: 'https://id.example', subject: 'ops' };
const ASKED: AskedCall = {
  requestId: 'request-1',
  principal: ADA,
  server: 'files',
  method: 'tools/call',
  item: 'delete',
  arguments: { path: '/a', token: 'swordfish' },
  message: 'It deletes.',
  boundTo: ['default'],
  expiresAfterMs: EXPIRY_MS,
};
const NEVER = new AbortController().signal;

let redis: RunningRedis;
let coordination: Coordination;

beforeAll(async () => {
  Logger.overrideLogger(false);
  redis = await startRedis();
  coordination = new Coordination(Object.assign(new RedisConfig(), { url: redis.url }));
  await until(() => coordination.redis?.commands.isReady === true);
});

afterEach(() => coordination.redis?.commands.send('FLUSHALL'));

afterAll(async () => {
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
  coordination.onApplicationShutdown();
  await redis.stop();
});

const PLACES: readonly { place: string; open: (clock: ManualClock) => ApprovalStore }[] = [
  { place: 'in memory', open: (clock) => new MemoryApprovalStore(clock) },
  { place: 'in Redis', open: (clock) => new RedisApprovalStore(coordination.redis!, Buffer.alloc(32, 7), clock) },
];

describe.each(PLACES)('approvals $place', ({ open }) => {
  function start() {
    const clock = new ManualClock(Date.now());
    const store = open(clock);
    const events = new GatewayEvents(clock);
    const requested: GatewayEvent[] = [];
    events.on(['approval.requested'], (event) => void requested.push(event));
    return { clock, store, requested, approvals: createApprovals(clock, store, events) };
  }

  const approve = async (approvals: Approvals, approval: Approval) =>
    (await approvals.decide(approval, 'approved', OPS, undefined))!;

  it('are requested once for the same call, with the arguments without credentials, and announced once', async () => {
    const { approvals, requested } = start();
    const first = await approvals.request(ASKED);
    expect(first).toMatchObject({ state: 'pending', server: 'files', item: 'delete', principal: ADA });
    expect(first.id).toMatch(/^request-1\./);
    expect(first.arguments).toEqual({ path: '/a', token: '[redacted]' });
    expect((await approvals.request({ ...ASKED, requestId: 'request-2' })).id).toBe(first.id);
    expect(await approvals.list()).toEqual([first]);
    expect(requested).toMatchObject([
      { data: { approval: first.id, server: 'files', item: 'delete', principal: 'https://id.example|ada' } },
    ]);
    expect(JSON.stringify(requested)).not.toContain('/a');
  });

  it.each<[string, Partial<AskedCall>]>([
    ['of another caller', { principal: OPS }],
    ['of another tool', { item: 'list' }],
    ['with other arguments', { arguments: { path: '/b' } }],
    ['with arguments that differ only in a credential', { arguments: { path: '/a', token: 'other' } }],
    ['at another endpoint', { boundTo: ['files'] }],
  ])('do not count for a call %s', async (_what, more) => {
    const { approvals } = start();
    const approval = await approve(approvals, await approvals.request(ASKED));
    const other = await approvals.request({ ...ASKED, ...more });
    expect(other).toMatchObject({ state: 'pending' });
    expect(other.id).not.toBe(approval.id);
  });

  it('count for one call, and are then requested again', async () => {
    const { approvals } = start();
    const approval = await approve(approvals, await approvals.request(ASKED));
    expect(await approvals.request(ASKED)).toMatchObject({ id: approval.id, state: 'approved' });
    expect(await Promise.all([approvals.use(approval), approvals.use(approval)])).toEqual(
      expect.arrayContaining([true, false]),
    );
    expect(approvals.stateOf((await approvals.find(approval.id))!)).toBe('used');
    expect(await approvals.request(ASKED)).toMatchObject({ state: 'pending' });
  });

  it('are decided once', async () => {
    const { approvals } = start();
    const asked = await approvals.request(ASKED);
    const decisions = await Promise.all([
      approvals.decide(asked, 'refused', OPS, 'Not today.'),
      approvals.decide(asked, 'approved', OPS, undefined),
    ]);
    expect(decisions.filter((decided) => decided !== undefined)).toHaveLength(1);
    const [refused] = decisions;
    expect(refused).toMatchObject({ state: 'refused', decision: { by: OPS, reason: 'Not today.' } });
    expect(await approvals.find(asked.id)).toEqual(refused);
    expect(await approvals.request(ASKED)).toMatchObject({ state: 'pending' });
  });

  it('expire, cannot be approved then, and are forgotten later', async () => {
    const { approvals, clock } = start();
    const asked = await approvals.request(ASKED);
    await clock.advance(EXPIRY_MS);
    expect(approvals.stateOf(asked)).toBe('expired');
    expect(await approvals.decide(asked, 'approved', OPS, undefined)).toBeUndefined();
    expect((await approvals.request(ASKED)).id).not.toBe(asked.id);
    expect(await approvals.list()).toHaveLength(2);
    await clock.advance(KEPT_MS);
    expect(await approvals.list()).toHaveLength(1);
  });

  it('let a call wait until an admin decides, at this worker or another one', async () => {
    const { approvals, clock, store } = start();
    const here = await approvals.request(ASKED);
    const waiting = approvals.wait(here, EXPIRY_MS, NEVER);
    await approve(approvals, here);
    expect(await waiting).toMatchObject({ state: 'approved' });
    const elsewhere = await approvals.request({ ...ASKED, item: 'drop' });
    const other = createApprovals(clock, store);
    const waitingHere = approvals.wait(elsewhere, EXPIRY_MS, NEVER);
    await other.decide(elsewhere, 'refused', OPS, 'No.');
    await clock.advance(1_000);
    expect(await waitingHere).toMatchObject({ state: 'refused', decision: { reason: 'No.' } });
    expect(clock.pending).toBe(0);
  });

  it('let a call wait for a limited time, and not longer than its client does', async () => {
    const { approvals, clock } = start();
    const asked = await approvals.request(ASKED);
    const waiting = approvals.wait(asked, 5_000, NEVER);
    await clock.advance(5_000);
    expect(await waiting).toMatchObject({ state: 'pending' });
    const client = new AbortController();
    const left = approvals.wait(asked, EXPIRY_MS, client.signal);
    client.abort();
    expect(await left).toMatchObject({ state: 'pending' });
    expect(clock.pending).toBe(0);
  });

  it('of one principal are bounded while they are open', async () => {
    const { approvals } = start();
    const ask = (item: string, principal = ADA) => approvals.request({ ...ASKED, item, principal });
    const first = await ask('tool-0');
    for (let count = 1; count < MAX_APPROVALS_OF_PRINCIPAL; count += 1) await ask(`tool-${count}`);
    await expect(ask('one-more')).rejects.toMatchObject({ httpStatus: 429, data: { outcome: 'not_executed' } });
    expect(await ask('one-more', OPS)).toMatchObject({ state: 'pending' });
    await approvals.decide(first, 'refused', OPS, undefined);
    expect(await ask('one-more')).toMatchObject({ state: 'pending' });
  });
});

describe('approvals in Redis', () => {
  const store = () => new RedisApprovalStore(coordination.redis!, Buffer.alloc(32, 7), new ManualClock(Date.now()));

  it('disclose neither arguments nor callers, and are not decided by who can only write there', async () => {
    const { commands, keys } = coordination.redis!;
    const approvals = createApprovals(new ManualClock(Date.now()), store());
    const { id } = await approvals.request(ASKED);
    const stored = JSON.stringify(await commands.send('HGETALL', keys.approval(id)));
    expect(stored).not.toMatch(/swordfish|ada|delete/);
    await commands.send('HSET', keys.approval(id), 'state', 'approved', 'decision', 'forged');
    expect(await approvals.find(id)).toBeUndefined();
  });

  it('cannot be requested while Redis is unavailable', async () => {
    const unavailable = {
      commands: { send: () => Promise.reject(new Error('down')), run: () => Promise.reject(new Error('down')) },
      keys: coordination.redis!.keys,
    };
    const clock = new ManualClock(Date.now());
    const approvals = createApprovals(clock, new RedisApprovalStore(unavailable as never, Buffer.alloc(32, 7), clock));
    await expect(approvals.request(ASKED)).rejects.toMatchObject({ code: -31007, data: { outcome: 'not_executed' } });
  });
});
