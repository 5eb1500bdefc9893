import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SystemClock } from '#lib/time';
import { callerOf, LEGACY_CLIENT, settled } from '../../test/support/fake-upstream.js';
import { SessionPool, SessionPoolConfig } from '../session-pool/index.js';
import { createSessionAdmission } from './session-admission.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { PoolPattern } from '../connections/testing.js';
import { SessionPattern } from './session-orders.js';

const START = {
  id: 'id',
  caller: callerOf('me'),
  endpoint: 'a',
  client: LEGACY_CLIENT,
  answersOnServerStream: false,
};

let sessions: SessionPool;
let pendingHandoffs: PendingHandoffs;

const admit = (payload: unknown, pattern: string = SessionPattern.call) =>
  createSessionAdmission(sessions, pendingHandoffs)(pattern, payload);

beforeEach(() => {
  sessions = new SessionPool(new SessionPoolConfig(), new SystemClock());
  pendingHandoffs = new PendingHandoffs();
});

afterEach(() => sessions.onApplicationShutdown());

describe('SessionAdmission', () => {
  it('admits an order for a session that lives on this worker', () => {
    sessions.open(START);
    expect(admit({ session: 'id' })).toBeUndefined();
  });

  it('refuses an order for an unknown or ended session with session_gone', () => {
    expect(admit({ session: 'id' })).toEqual({ reason: 'session_gone' });
    sessions.open(START).end();
    expect(admit({ session: 'id' })).toEqual({ reason: 'session_gone' });
  });

  it('refuses an order for a session that was handed off and names the new owner', () => {
    sessions.open(START);
    sessions.handOff('id', 'new owner');
    expect(admit({ session: 'id' })).toEqual({ reason: 'session_moved', detail: 'new owner' });
  });

  it('admits an order while the handoff of its session is in progress, so that it waits for the result', async () => {
    sessions.open(START);
    const move = Promise.withResolvers<void>();
    sessions.handOff('id', 'new owner');
    pendingHandoffs.add('id', move.promise);
    expect(admit({ session: 'id' })).toBeUndefined();
    move.resolve();
    await settled();
    expect(admit({ session: 'id' })).toEqual({ reason: 'session_moved', detail: 'new owner' });
  });
});

it.each<[string, string, unknown]>([
  ['the handoff of a session', SessionPattern.adopt, { payload: 'closed' }],
  ['a connection', PoolPattern.request, { part: 'a' }],
  ['nothing', SessionPattern.call, null],
  ['a session id that is not a string', SessionPattern.call, { session: 7 }],
  ['a list', SessionPattern.call, ['id']],
])('leaves an order about %s to its handler', (_name, pattern, payload) => {
  expect(admit(payload, pattern)).toBeUndefined();
});
