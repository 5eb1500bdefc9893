import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import { settled } from '../../test/support/fake-upstream.js';
import type { ExecutedCall } from '../calls/index.js';
import { APPROVAL_MS, interceptorOf, InterceptionWorld, Repeating } from './interception-fixture.js';

afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

const OPS = { issuer: 'https://id.example', subject: 'ops' };
const MODERN = { revision: '2026-07-28', capabilities: {} };

const asking = interceptorOf(async (call, next) => {
  const { action, reason } = await call.askAdmin({ message: 'It deletes.' });
  return action === 'approve' ? next() : { refused: reason ?? '' };
});

const run = (world: InterceptionWorld, more: Partial<ExecutedCall> = {}) => world.run([asking], more);

async function decide(world: InterceptionWorld, to: 'approved' | 'refused', reason?: string): Promise<void> {
  const pending = (await world.approvals.list()).find((each) => world.approvals.stateOf(each) === 'pending');
  await world.approvals.decide(pending!, to, OPS, reason);
}

describe('a call of a client with a session that needs an admin', () => {
  it('waits in the call, longer than its interceptor may take itself, and runs once it is approved', async () => {
    const world = new InterceptionWorld();
    const running = run(world);
    await settled();
    await world.clock.advance(60_000);
    expect(world.sent).toEqual([]);
    expect(await world.approvals.list()).toMatchObject([{ server: 'bank', item: 'pay', arguments: { amount: 1 } }]);
    await decide(world, 'approved');
    expect(await running).toEqual(result({ text: 'paid' }));
    // The caller may have lost access meanwhile.
    expect(world.admitted).toEqual(['access']);
    expect((await world.approvals.list()).map((each) => world.approvals.stateOf(each))).toEqual(['used']);
  });

  it('does not run when an admin refuses it, and the interceptor receives the reason', async () => {
    const world = new InterceptionWorld();
    const running = run(world);
    await settled();
    await decide(world, 'refused', 'Not today.');
    expect(await running).toEqual(result({ refused: 'Not today.' }));
    expect(world.sent).toEqual([]);
  });

  it('ends as not executed when nobody decides in time', async () => {
    const world = new InterceptionWorld();
    const running = run(world);
    await settled();
    await world.clock.advance(APPROVAL_MS);
    expect(await running).toMatchObject({
      error: {
        code: -31_009,
        message: expect.stringContaining('nobody approved it in time. The call was not executed.'),
        data: { outcome: 'not_executed', retriable: true },
      },
    });
    expect(world.sent).toEqual([]);
  });

  it('is not sent when its client cancels it, and the approval counts for the same call sent again', async () => {
    const world = new InterceptionWorld();
    const client = new AbortController();
    const cancelled = run(world, { signal: client.signal });
    await settled();
    client.abort();
    expect(await cancelled).toMatchObject({ error: { data: { outcome: 'not_executed' } } });
    await decide(world, 'approved');
    expect(world.sent).toEqual([]);
    expect(await run(world)).toEqual(result({ text: 'paid' }));
    expect(await world.approvals.list()).toHaveLength(1);
  });

  it('shares an approval with the same call at the same time, but only one of them runs with it', async () => {
    const world = new InterceptionWorld();
    const both = [run(world), run(world)];
    await settled();
    await decide(world, 'approved');
    await Promise.race(both);
    await settled();
    expect(world.sent).toHaveLength(1);
    await decide(world, 'approved');
    expect(await Promise.all(both)).toEqual([result({ text: 'paid' }), result({ text: 'paid' })]);
  });

  it('reports progress that increases and stays below that of the server', async () => {
    const world = new InterceptionWorld();
    const sent: McpNotification[] = [];
    const { call } = world.executedWith({});
    const request = { ...call.request, progressToken: 'p1' };
    const running = run(world, { call: { ...call, request }, notify: (notification) => void sent.push(notification) });
    await settled();
    await world.clock.advance(25_000);
    await decide(world, 'approved');
    await running;
    await world.clock.advance(60_000);
    const values = sent.map(({ params }) => params['progress'] as number);
    expect(values).toHaveLength(3);
    expect(values).toEqual(values.toSorted((one, other) => one - other));
    expect(values.every((value) => value < 0)).toBe(true);
    expect(sent[0]).toMatchObject({ method: 'notifications/progress', params: { progressToken: 'p1' } });
  });
});

describe('a call of a client that repeats its call, and that needs an admin', () => {
  const start = () => {
    const world = new InterceptionWorld();
    const repetition = new Repeating();
    const { call } = world.executedWith({ client: MODERN, clientRepeatsCall: true });
    return { world, repetition, request: () => run(world, { call, repetition }) };
  };

  /** Runs a request to its end without a decision. */
  async function hold(world: InterceptionWorld, request: () => Promise<Outcome>): Promise<Outcome> {
    const running = request();
    await settled();
    await world.clock.advance(30_000);
    return running;
  }

  it('ends with a state alone after a while, and runs in the repetition after the approval', async () => {
    const { world, repetition, request } = start();
    expect(await hold(world, request)).toEqual(result({ resultType: 'input_required' }));
    expect(repetition.asked).toMatchObject([{ questions: {} }]);
    expect(Object.values(repetition.asked[0]!.awaited)).toEqual((await world.approvals.list()).map(({ id }) => id));
    expect(await hold(world, request)).toEqual(result({ resultType: 'input_required' }));
    await decide(world, 'approved');
    expect(await request()).toEqual(result({ text: 'paid' }));
    expect(world.sent).toHaveLength(1);
  });

  it('runs in its first request when an admin approves it soon', async () => {
    const { world, repetition, request } = start();
    const running = request();
    await settled();
    await decide(world, 'approved');
    expect(await running).toEqual(result({ text: 'paid' }));
    expect(repetition.asked).toEqual([]);
  });

  it('keeps the decision for repetitions that the server causes later', async () => {
    const { world, request } = start();
    const running = request();
    await settled();
    await decide(world, 'approved');
    await running;
    expect(await request()).toEqual(result({ text: 'paid' }));
    expect(await world.approvals.list()).toHaveLength(1);
  });

  it('is not asked about again when another request has used its approval: the outcome of that is unknown', async () => {
    const { world, repetition, request } = start();
    await hold(world, request);
    await decide(world, 'approved');
    await request();
    repetition.forgetAnswers();
    expect(await request()).toMatchObject({ error: { code: -32_602, data: { outcome: 'unknown' } } });
    expect(world.sent).toHaveLength(1);
    expect(await world.approvals.list()).toHaveLength(1);
  });

  it('ends as not executed when its repetition arrives after the expiry', async () => {
    const { world, request } = start();
    await hold(world, request);
    await world.clock.advance(APPROVAL_MS);
    expect(await request()).toMatchObject({ error: { code: -31_009, data: { outcome: 'not_executed' } } });
    expect(world.sent).toEqual([]);
  });

  it('ends as not executed when the approval is lost', async () => {
    const { repetition, request } = start();
    const awaitedAs = () => 'request.lost';
    Object.assign(repetition, { awaitedAs });
    expect(await request()).toMatchObject({ error: { code: -31_009, data: { outcome: 'not_executed' } } });
  });
});

describe('a call about which an interceptor asks after it was sent', () => {
  it('fails as executed, and the log says why', async () => {
    const world = new InterceptionWorld();
    const late = interceptorOf(async (call, next) => {
      const paid = await next();
      await call.askAdmin({ message: 'Shall I show it?' });
      return paid;
    });
    expect(await world.run([late])).toMatchObject({ error: { code: -32_603, data: { outcome: 'executed' } } });
    expect(world.logged).toEqual([expect.stringContaining('it asked after the call was sent')]);
    expect(world.progress.interception).toBe('failed');
  });
});

describe('a call that an interceptor passes on while an admin has not decided', () => {
  it('is not sent', async () => {
    const world = new InterceptionWorld();
    const forgetting = interceptorOf(async (call, next) => {
      void call.askAdmin({ message: 'It deletes.' }).catch(() => undefined);
      return next();
    });
    expect(await world.run([forgetting])).toMatchObject({
      error: { code: -32_603, data: { outcome: 'not_executed' } },
    });
    expect(world.sent).toEqual([]);
  });
});
